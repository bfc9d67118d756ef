#include "home/system/base64.h"

#include <cstdint>
#include <string_view>

#include "core/base/base.h"

namespace kinglet::system {
namespace {

int value_of(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

}  // namespace

std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t n = bytes.size() - at < 3 ? bytes.size() - at : 3;
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) group = group << 8 | (i < n ? std::to_integer<uint32_t>(bytes[at + i]) : 0);
    for (size_t i = 0; i < 4; ++i) text += i <= n ? kLetters[group >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

std::string decoded_base64(std::string_view text, std::string_view what) {
  const std::string_view whole = text;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  if (whole.size() % 4 != 0 || text.size() % 4 == 1)
    fail_with(ErrorCode::kInvalidFile, what, ": is no base64: ", whole.size(), " letters");
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t held = 0;
  unsigned n_bits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const int value = value_of(text[i]);
    if (value < 0) fail_with(ErrorCode::kInvalidFile, what, ": is no base64: letter ", i);
    held = held << 6U | static_cast<uint32_t>(value);
    n_bits += 6;
    if (n_bits < 8) continue;
    n_bits -= 8;
    bytes.push_back(static_cast<char>(held >> n_bits & 0xFFU));
  }
  return bytes;
}

}  // namespace kinglet::system
