// Bytes as text of 64 letters. Source: RFC 4648, section 4.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace kinglet::system {

/// With padding.
std::string base64(std::span<const std::byte> bytes);

}  // namespace kinglet::system
