// A GGUF model split over several files, NAME-00001-of-00003.gguf and so on, as one ModelFile.
#pragma once

#include <memory>
#include <string>

#include "model/format/model_file.h"

namespace kinglet::format {

/// How many parts a file says it is one of (key split.count); 1 for a whole one. Throws Error{kInvalidFile} for 0.
uint32_t n_splits(const ModelFile& file);

/// Opens the other parts beside the first one; the keys of parts are gone. Throws Error{kInvalidArgument} where `first`
/// is another part (named), kNotFound or kInvalidFile for a part that is missing or does not fit.
std::shared_ptr<const ModelFile> open_gguf_parts(std::shared_ptr<const ModelFile> first);

}  // namespace kinglet::format
