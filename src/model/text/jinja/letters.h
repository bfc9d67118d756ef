// Letters and blanks of text, as Python's str has them. Bytes that are no UTF-8 are characters without properties.
// Internal to the template engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kinglet::text::jinja {

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string swapped_case(std::string_view text);
/// The first character upper, the rest lower.
std::string capitalized(std::string_view text);
/// str.title(): each run of letters so.
std::string titled(std::string_view text);
/// Whether letters there are, all of them of this case.
bool is_upper(std::string_view text);
bool is_lower(std::string_view text);
bool is_titled(std::string_view text);

/// str.isspace() of a character.
bool is_blank(uint32_t code_point) noexcept;
/// str.isdigit() and str.isdecimal() of a character.
bool is_digit(uint32_t code_point) noexcept;
bool is_decimal(uint32_t code_point) noexcept;
/// str.isprintable() of a character.
bool is_printable(uint32_t code_point) noexcept;
/// \w of a character, which names are made of as well.
bool is_word_part(uint32_t code_point) noexcept;
/// Bytes of the blank at `at`; 0 where there is none.
size_t blank_at(std::string_view text, size_t at) noexcept;

/// Characters, not bytes.
size_t length(std::string_view text) noexcept;
/// The byte where character n begins; text.size() where there are fewer.
size_t offset_of(std::string_view text, size_t n) noexcept;

/// Without the characters of `set` (empty: blanks) at the ends.
std::string_view stripped(std::string_view text, std::string_view set, bool left = true, bool right = true);

/// Text with & < > " ' as HTML writes them.
std::string escaped(std::string_view text);
inline constexpr size_t kEscapedGrowth = 5;  ///< How many bytes one byte may become.

}  // namespace kinglet::text::jinja
