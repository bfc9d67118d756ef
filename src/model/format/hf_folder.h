// A Hugging Face folder (config.json, safetensors) as a ModelFile.
//
// Settings become the keys of GGUF and tensors get its names. Data stays where the files have it; a tensor is converted
// only where kernels could not read it there: vectors in 16 bit become f32, misaligned data is copied.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "model/format/hf_family.h"
#include "model/format/model_file.h"

namespace kinglet::format {

struct HfOptions {
  std::string config_name = "config.json";
};

/// Throws Error{kNotFound, kInvalidFile or kUnsupported (a family, setting or tensor type that is not known, named)}.
std::shared_ptr<const ModelFile> open_hf_folder(const std::string& path, const HfOptions& options = {});

/// The keys of GGUF for the settings alone; `generation` may be null. Throws as open_hf_folder.
void fill_metadata(const HfFamily& family, const HfConfig& config, const HfConfig* generation, Metadata& metadata);

/// The family of a configuration. Throws Error{kUnsupported} that names it and those that are known.
const HfFamily& family_of(const HfConfig& config);

}  // namespace kinglet::format
