// Results as a safetensors file that appears when it is complete.
#pragma once

#include <span>
#include <string>

#include "model/format/safetensors.h"

namespace kinglet::cli {

/// Throws Error{kIo, kNoSpace}.
void write_tensors(const format::SafetensorsWriter& writer, const std::string& path);

}  // namespace kinglet::cli
