// The safetensors files of a folder: one, or shards named by an index.
#pragma once

#include <string>
#include <vector>

#include "model/format/safetensors.h"

namespace kinglet::format {

/// Opens FOLDER/model.safetensors, or all shards that FOLDER/model.safetensors.index.json names; every tensor that the
/// index lists is in the shard it says. Throws Error{kNotFound} where neither is there, kInvalidFile naming the place.
std::vector<Safetensors> open_safetensors_folder(const std::string& folder);

}  // namespace kinglet::format
