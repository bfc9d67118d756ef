// Models in the cache that Hugging Face's own programs keep: hub/models--USER--REPO/snapshots/REVISION/FILE. Read only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "home/store/store.h"

namespace kinglet::store {

/// The cached model of a name of hf.co: the GGUF file of the tag's quantization, for "latest" the one that Hugging Face
/// itself would give (Q4_K_M first), or the folder of a model in safetensors. Nullopt where there is none.
std::optional<StoredModel> find_in_cache(const std::string& cache, const ModelName& name);

/// All cached models: one for each quantization.
std::vector<StoredModel> list_cache(const std::string& cache);

}  // namespace kinglet::store
