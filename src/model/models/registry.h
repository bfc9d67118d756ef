// All families.
#pragma once

#include <span>
#include <string_view>

#include "model/models/decoder.h"

namespace kinglet::models {

std::span<const Architecture> architectures();
/// Null for a name that is not known.
const Architecture* find_architecture(std::string_view name);

}  // namespace kinglet::models
