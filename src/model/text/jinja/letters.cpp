#include "model/text/jinja/letters.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "model/text/unicode.h"
#include "model/text/utf8.h"

namespace kinglet::text::jinja {
namespace {

utf8proc_category_t category(uint32_t c) noexcept { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

enum class Case : uint8_t { kNone, kUpper, kLower, kTitle };
Case case_of(uint32_t c) noexcept {
  switch (category(c)) {
    case UTF8PROC_CATEGORY_LU:
      return Case::kUpper;
    case UTF8PROC_CATEGORY_LL:
      return Case::kLower;
    case UTF8PROC_CATEGORY_LT:
      return Case::kTitle;
    default:
      return Case::kNone;
  }
}

// Letters whose other case is several letters: the common ones of Unicode's SpecialCasing.
struct Special {
  uint32_t letter;
  std::string_view upper;
  std::string_view title;
};
constexpr std::array kSpecial = {
    Special{0xDF, "SS", "Ss"},     Special{0x149, "\xCA\xBCN", "\xCA\xBCN"},
    Special{0xFB00, "FF", "Ff"},   Special{0xFB01, "FI", "Fi"},
    Special{0xFB02, "FL", "Fl"},   Special{0xFB03, "FFI", "Ffi"},
    Special{0xFB04, "FFL", "Ffl"}, Special{0xFB05, "ST", "St"},
    Special{0xFB06, "ST", "St"},
};

void put_upper(std::string& out, uint32_t c, bool title) {
  if (const auto row = std::ranges::find(kSpecial, c, &Special::letter); row != kSpecial.end()) {
    out += title ? row->title : row->upper;
    return;
  }
  const auto letter = static_cast<utf8proc_int32_t>(c);
  append_utf8(out, static_cast<uint32_t>(title ? utf8proc_totitle(letter) : utf8proc_toupper(letter)));
}

// A capital sigma becomes the final form at the end of a word.
void put_lower(std::string& out, uint32_t c, bool ends_word) {
  if (c == 0x3A3 && ends_word) {
    append_utf8(out, 0x3C2);
  } else if (c == 0x130) {
    out += "i\xCC\x87";
  } else {
    append_utf8(out, static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
}

bool is_letter(uint32_t c) noexcept { return (char_class(c) & CharClass::kLetter) != 0; }

// How a letter is written: put(out, letter, follows_letter, precedes_letter).
template <class Put>
std::string mapped(std::string_view text, const Put& put) {
  std::string out;
  out.reserve(text.size());
  bool follows_letter = false;
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    const size_t next = i + point.length;
    if (point.valid) {
      const bool precedes_letter = next < text.size() && is_letter(code_point_at(text, next).value);
      put(out, point.value, follows_letter, precedes_letter);
    } else {
      out += text[i];
    }
    follows_letter = point.valid && is_letter(point.value);
    i = next;
  }
  return out;
}

bool is_ascii(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

// Letters from first to last in the other case.
std::string ascii_mapped(std::string_view text, char first, char last) {
  std::string out(text);
  for (char& c : out) {
    if (c >= first && c <= last) c = static_cast<char>(c ^ 0x20);
  }
  return out;
}

template <class Test>
bool all_cased(std::string_view text, const Test& test) {
  bool has_cased = false;
  bool follows_cased = false;
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    const Case letter_case = case_of(point.value);
    if (letter_case != Case::kNone && !test(letter_case, follows_cased)) return false;
    follows_cased = letter_case != Case::kNone;
    has_cased = has_cased || follows_cased;
    i += point.length;
  }
  return has_cased;
}

bool is_in(std::string_view character, std::string_view set) {
  if (set.empty()) return blank_at(character, 0) > 0;
  for (size_t i = 0; i < set.size();) {
    const uint32_t n = code_point_at(set, i).length;
    if (set.substr(i, n) == character) return true;
    i += n;
  }
  return false;
}

}  // namespace

std::string upper(std::string_view text) {
  if (is_ascii(text)) return ascii_mapped(text, 'a', 'z');
  return mapped(text, [](std::string& out, uint32_t c, bool, bool) { put_upper(out, c, false); });
}

std::string lower(std::string_view text) {
  if (is_ascii(text)) return ascii_mapped(text, 'A', 'Z');
  return mapped(
      text, [](std::string& out, uint32_t c, bool follows, bool precedes) { put_lower(out, c, follows && !precedes); });
}

std::string swapped_case(std::string_view text) {
  return mapped(text, [](std::string& out, uint32_t c, bool follows, bool precedes) {
    case_of(c) == Case::kUpper ? put_lower(out, c, follows && !precedes) : put_upper(out, c, false);
  });
}

std::string capitalized(std::string_view text) {
  bool is_first = true;
  return mapped(text, [&](std::string& out, uint32_t c, bool follows, bool precedes) {
    is_first ? put_upper(out, c, true) : put_lower(out, c, follows && !precedes);
    is_first = false;
  });
}

std::string titled(std::string_view text) {
  return mapped(text, [](std::string& out, uint32_t c, bool follows, bool precedes) {
    follows ? put_lower(out, c, !precedes) : put_upper(out, c, true);
  });
}

bool is_upper(std::string_view text) {
  return all_cased(text, [](Case letter, bool) { return letter == Case::kUpper; });
}
bool is_lower(std::string_view text) {
  return all_cased(text, [](Case letter, bool) { return letter == Case::kLower; });
}
bool is_titled(std::string_view text) {
  return all_cased(text, [](Case letter, bool follows) { return (letter == Case::kLower) == follows; });
}

bool is_blank(uint32_t c) noexcept { return (char_class(c) & CharClass::kSpace) != 0 || (c >= 0x1C && c <= 0x1F); }
bool is_decimal(uint32_t c) noexcept { return category(c) == UTF8PROC_CATEGORY_ND; }
bool is_word_part(uint32_t c) noexcept {
  return c == '_' || (char_class(c) & (CharClass::kLetter | CharClass::kNumber)) != 0;
}

// Digits beside the decimal ones: superscripts, digits in circles and brackets, and those of scripts without a zero.
bool is_digit(uint32_t c) noexcept {
  struct Range {
    uint32_t first;
    uint32_t last;
  };
  constexpr std::array<Range, 20> kDigits = {{
      {0xB2, 0xB3},     {0xB9, 0xB9},       {0x1369, 0x1371},   {0x19DA, 0x19DA},   {0x2070, 0x2070},
      {0x2074, 0x2079}, {0x2080, 0x2089},   {0x2460, 0x2468},   {0x2474, 0x247C},   {0x2488, 0x2490},
      {0x24EA, 0x24EA}, {0x24F5, 0x24FD},   {0x24FF, 0x24FF},   {0x2776, 0x277E},   {0x2780, 0x2788},
      {0x278A, 0x2792}, {0x10A40, 0x10A43}, {0x10E60, 0x10E68}, {0x11052, 0x1105A}, {0x1F100, 0x1F10A},
  }};
  return is_decimal(c) ||
         std::ranges::any_of(kDigits, [c](const Range& range) { return c >= range.first && c <= range.last; });
}

bool is_printable(uint32_t c) noexcept {
  if (c == ' ') return true;
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

size_t blank_at(std::string_view text, size_t at) noexcept {
  if (at >= text.size()) return 0;
  const CodePoint point = code_point_at(text, at);
  return is_blank(point.value) ? point.length : 0;
}

size_t length(std::string_view text) noexcept {
  size_t n = 0;
  for (size_t i = 0; i < text.size(); ++n) i += code_point_at(text, i).length;
  return n;
}

size_t offset_of(std::string_view text, size_t n) noexcept {
  size_t i = 0;
  for (; n > 0 && i < text.size(); --n) i += code_point_at(text, i).length;
  return i;
}

std::string_view stripped(std::string_view text, std::string_view set, bool left, bool right) {
  while (left && !text.empty()) {
    const uint32_t n = code_point_at(text, 0).length;
    if (!is_in(text.substr(0, n), set)) break;
    text.remove_prefix(n);
  }
  while (right && !text.empty()) {
    size_t at = text.size() - 1;
    while (at > 0 && text.size() - at < 4 && (static_cast<uint8_t>(text[at]) & 0xC0U) == 0x80U) --at;
    if (code_point_at(text, at).length != text.size() - at) at = text.size() - 1;  // no character: a byte by itself
    if (!is_in(text.substr(at), set)) break;
    text.remove_suffix(text.size() - at);
  }
  return text;
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace kinglet::text::jinja
