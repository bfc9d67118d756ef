// Properties of characters (Unicode 15).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace kinglet::text {

/// Classes that pre-tokenizers ask for, as bits.
struct CharClass {
  static constexpr uint8_t kLetter = 1;       ///< \p{L}
  static constexpr uint8_t kNumber = 2;       ///< \p{N}
  static constexpr uint8_t kSpace = 4;        ///< \s: White_Space
  static constexpr uint8_t kPunctuation = 8;  ///< \p{P}
  static constexpr uint8_t kSymbol = 16;      ///< \p{S}
  static constexpr uint8_t kMark = 32;        ///< \p{M}
};

/// The classes of ASCII.
inline constexpr std::array<uint8_t, 128> kAsciiClasses = [] {
  std::array<uint8_t, 128> classes{};
  for (uint8_t c = 0; c < 128; ++c) {
    const bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool is_symbol = std::string_view("$+<=>^`|~").find(static_cast<char>(c)) != std::string_view::npos;
    if (is_letter) classes[c] = CharClass::kLetter;
    if (c >= '0' && c <= '9') classes[c] = CharClass::kNumber;
    if (c == ' ' || (c >= 9 && c <= 13)) classes[c] = CharClass::kSpace;
    if (is_symbol) classes[c] = CharClass::kSymbol;
    if (c > ' ' && c < 127 && classes[c] == 0) classes[c] = CharClass::kPunctuation;
  }
  return classes;
}();

/// The classes of a character over U+007F.
uint8_t wide_class(uint32_t code_point) noexcept;

inline uint8_t char_class(uint32_t code_point) noexcept {
  return code_point < kAsciiClasses.size() ? kAsciiClasses[code_point] : wide_class(code_point);
}

/// General categories: Cn, Lu, Ll, Lt, Lm, Lo, Mn, Mc, Me, Nd, Nl, No, Pc, Pd, Ps, Pe, Pi, Pf, Po, Sm, Sc, Sk, So, Zs,
/// Zl, Zp, Cc, Cf, Cs, Co, numbered from 0.
inline constexpr uint32_t kCategories = 30;
uint32_t category_of(uint32_t code_point) noexcept;

/// Canonical decomposition (form D), its marks in order. Invalid bytes stay as they are. Takes n log n time at most.
std::string nfd(std::string_view text);
/// Compatibility decomposition (form KD), and composed again (form KC): likewise.
std::string nfkd(std::string_view text);
std::string nfkc(std::string_view text);
/// Without non-spacing marks (category Mn).
std::string without_accents(std::string_view text);
/// In small letters, each character by itself.
std::string lowercase(std::string_view text);

/// Normalization form C. Invalid bytes stay as they are. Takes n log n time at most.
std::string nfc(std::string_view text);

/// Whether text is in form C already, for sure: there is no character that form C could change or join.
bool is_surely_nfc(std::string_view text) noexcept;

}  // namespace kinglet::text
