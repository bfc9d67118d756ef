// Base64 with the usual letters (RFC 4648, section 4).
#pragma once

#include <string>
#include <string_view>

namespace kinglet::format {

/// Throws Error{kInvalidFile} "WHAT: ..." for a text that is none.
std::string decoded_base64(std::string_view text, std::string_view what);

}  // namespace kinglet::format
