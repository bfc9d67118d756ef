// All families, and how they are found: a GGUF file by its general.architecture, a folder by the class it names.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "model/format/open_model.h"
#include "model/models/architecture.h"

namespace kinglet::models {

std::span<const Architecture> architectures();
/// The family that files of this name are read as; null where none is.
const Architecture* find_architecture(std::string_view name);
/// What folders are read by.
format::HfFamilies hf_families();

/// Opens what a path names (format::open_model), folders of all families included.
std::shared_ptr<const format::ModelFile> open_file(const std::string& path, const format::HfOptions& options = {});

}  // namespace kinglet::models
