// UTF-8, checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kinglet::text {

struct CodePoint {
  uint32_t value;   ///< U+FFFD where the bytes are no character.
  uint32_t length;  ///< Bytes taken: 1 for each byte that is no part of a character.
  bool valid;
};

/// The character at `at` < text.size(). Overlong forms, surrogates and values over U+10FFFF are invalid.
inline CodePoint code_point_at(std::string_view text, size_t at) noexcept {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[at + i]); };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1, true};
  constexpr CodePoint kInvalid{0xFFFD, 1, false};
  const uint32_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() - at < length) return kInvalid;
  uint32_t value = first & (0x7FU >> length);
  for (uint32_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return kInvalid;
    value = (value << 6U) | (byte(i) & 0x3FU);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return kInvalid;
  return {value, length, true};
}

/// What a text goes on with: a character, bytes that can never become one (as many as one U+FFFD stands for: the
/// longest beginning of a character, or one byte), or the beginning of a character at the very end.
struct Utf8Piece {
  enum class Kind : uint8_t { kCharacter, kBroken, kUnfinished };
  Kind kind;
  uint32_t length;  ///< Bytes.
};

/// At `at` < text.size().
inline Utf8Piece utf8_piece_at(std::string_view text, size_t at) noexcept {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[at + i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return {Utf8Piece::Kind::kCharacter, 1};
  if (first < 0xC2 || first > 0xF4) return {Utf8Piece::Kind::kBroken, 1};
  const uint32_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  for (uint32_t i = 1; i < length; ++i) {
    if (at + i >= text.size()) return {Utf8Piece::Kind::kUnfinished, i};
    // No overlong forms, surrogates or values over U+10FFFF.
    const uint8_t low = i > 1 ? 0x80 : first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const uint8_t high = i > 1 ? 0xBF : first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (byte(i) < low || byte(i) > high) return {Utf8Piece::Kind::kBroken, i};
  }
  return {Utf8Piece::Kind::kCharacter, length};
}

/// The first byte that is no part of a valid character; npos where all are.
inline size_t find_invalid_utf8(std::string_view text) noexcept {
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    if (!point.valid) return i;
    i += point.length;
  }
  return std::string_view::npos;
}

inline void append_utf8(std::string& out, uint32_t value) {
  const auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (value < 0x80) {
    put(value);
  } else if (value < 0x800) {
    put(0xC0 | (value >> 6U));
    put(0x80 | (value & 0x3FU));
  } else if (value < 0x10000) {
    put(0xE0 | (value >> 12U));
    put(0x80 | ((value >> 6U) & 0x3FU));
    put(0x80 | (value & 0x3FU));
  } else {
    put(0xF0 | (value >> 18U));
    put(0x80 | ((value >> 12U) & 0x3FU));
    put(0x80 | ((value >> 6U) & 0x3FU));
    put(0x80 | (value & 0x3FU));
  }
}

}  // namespace kinglet::text
