// Finds out what a path is and opens it.
#pragma once

#include <memory>
#include <string>

#include "model/format/hf_folder.h"
#include "model/format/model_file.h"

namespace kinglet::format {

/// Opens a GGUF file (of a split one the first part, which finds the others) or a Hugging Face folder, which the
/// options are for. Throws
/// Error{kNotFound} where nothing is there, kInvalidFile or kUnsupported that says what it is instead.
std::shared_ptr<const ModelFile> open_model(const std::string& path, HfFamilies families,
                                            const HfOptions& options = {});

}  // namespace kinglet::format
