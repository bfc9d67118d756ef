// TOML files, as JSON values: what reads a configuration reads requests, too. The library behind it is not seen.
#pragma once

#include <string_view>

#include "home/system/json.h"

namespace kinglet::system {

/// The document as an object; dates and times become their text. Throws Error{kInvalidArgument}
/// "NAME: line L, column C: ..." for text that is no TOML.
Json parse_toml(std::string_view text, std::string_view name);

}  // namespace kinglet::system
