// Values of a folder's tensors on their way into GGUF's layout. Internal to model/format.
#pragma once

#include <span>
#include <vector>

#include "model/format/hf_family.h"

namespace kinglet::format {

/// The shape after a change, outermost first.
std::vector<uint64_t> changed_shape(const SafetensorsEntry& entry, Change change);
/// Whether the result is f32 whatever the folder has: vectors, and what is computed.
bool gives_f32(const SafetensorsEntry& entry, Change change);
/// Writes the changed values; `head_dim` is that of the rows of q and k, which must be whole heads.
void write_changed(const SafetensorsEntry& entry, Change change, size_t head_dim, std::span<std::byte> out);

}  // namespace kinglet::format
