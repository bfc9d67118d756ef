// Digits of escapes such as \u00e9.
#pragma once

namespace kinglet::grammar {

/// 0 to 15; -1 for what is no hexadecimal digit.
inline int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace kinglet::grammar
