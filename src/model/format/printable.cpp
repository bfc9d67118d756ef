#include "model/format/printable.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace kinglet::format {
namespace {

uint8_t byte_at(std::string_view text, size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0; }

// Bytes of the well-formed UTF-8 character at i that a terminal may show; 0 where there is none (Unicode 15, table
// 3-7).
size_t shown_length(std::string_view text, size_t i) {
  const uint8_t lead = byte_at(text, i);
  if (lead < 0x80) return lead >= 0x20 && lead != 0x7F ? 1 : 0;
  const uint8_t second = byte_at(text, i + 1);
  const auto follows = [&](size_t k) { return (byte_at(text, i + k) & 0xC0) == 0x80; };
  // C2 80 to C2 9F are control characters too.
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) && (lead != 0xC2 || second >= 0xA0) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool sound = (lead != 0xE0 || second >= 0xA0) && (lead != 0xED || second < 0xA0);
    return sound && follows(1) && follows(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool sound = (lead != 0xF0 || second >= 0x90) && (lead != 0xF4 || second < 0x90);
    return sound && follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string printable(std::string_view text, size_t limit) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  size_t i = 0;
  while (i < text.size() && i < limit) {
    if (const size_t n = shown_length(text, i); n > 0) {
      out.append(text.substr(i, n));
      i += n;
    } else {
      const uint8_t byte = byte_at(text, i++);
      out.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
    }
  }
  if (i < text.size()) out.append("...");
  return out;
}

std::string printable(float number) {
  std::array<char, 40> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

}  // namespace kinglet::format
