// Bytes as text of 64 letters. Source: RFC 4648, section 4.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace kinglet::system {

/// With padding.
std::string base64(std::span<const std::byte> bytes);

/// The bytes of such a text. Throws Error{kInvalidFile} "WHAT: ..." for a text that is none.
std::string decoded_base64(std::string_view text, std::string_view what);

}  // namespace kinglet::system
