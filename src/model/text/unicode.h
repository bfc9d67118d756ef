// Properties of characters (Unicode 15).
#pragma once

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

/// The classes of a character.
uint8_t char_class(uint32_t code_point) noexcept;

/// Normalization form C. Invalid bytes stay as they are.
std::string nfc(std::string_view text);

/// Whether text is surely in form C already (quick check: only characters below U+0300).
bool is_surely_nfc(std::string_view text) noexcept;

}  // namespace kinglet::text
