#include "model/text/jinja/letters.h"

#include <utf8proc.h>

#include "model/text/unicode.h"
#include "model/text/utf8.h"

namespace kinglet::text::jinja {
namespace {

template <class Map>
std::string mapped(std::string_view text, const Map& map) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    if (point.valid) {
      map(out, point.value);
    } else {
      out += text[i];
    }
    i += point.length;
  }
  return out;
}

void put_upper(std::string& out, uint32_t c) {
  if (c == 0xDF) {
    out += "SS";  // the one common letter whose upper case is two
  } else {
    append_utf8(out, static_cast<uint32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))));
  }
}
void put_lower(std::string& out, uint32_t c) {
  append_utf8(out, static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
}
void put_title(std::string& out, uint32_t c) {
  append_utf8(out, static_cast<uint32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))));
}

// Whether the character at `at` is in `set`, or white space where the set is empty.
bool is_in(std::string_view text, size_t at, uint32_t n, std::string_view set) {
  if (set.empty()) {
    const uint32_t c = code_point_at(text, at).value;
    return (char_class(c) & CharClass::kSpace) != 0 || (c >= 0x1C && c <= 0x1F);
  }
  const std::string_view character = text.substr(at, n);
  for (size_t i = 0; i < set.size();) {
    const uint32_t length_of = code_point_at(set, i).length;
    if (set.substr(i, length_of) == character) return true;
    i += length_of;
  }
  return false;
}

}  // namespace

std::string upper(std::string_view text) { return mapped(text, put_upper); }
std::string lower(std::string_view text) { return mapped(text, put_lower); }

std::string capitalized(std::string_view text) {
  bool is_first = true;
  return mapped(text, [&](std::string& out, uint32_t c) {
    is_first ? put_title(out, c) : put_lower(out, c);
    is_first = false;
  });
}

std::string titled(std::string_view text) {
  bool in_word = false;
  return mapped(text, [&](std::string& out, uint32_t c) {
    in_word ? put_lower(out, c) : put_title(out, c);
    // As Jinja's title filter: words are parted by blanks and - ( { [ <.
    in_word = (char_class(c) & CharClass::kSpace) == 0 && std::u32string_view(U"-({[<").find(static_cast<char32_t>(c)) == std::u32string_view::npos;
  });
}

size_t length(std::string_view text) {
  size_t n = 0;
  for (size_t i = 0; i < text.size(); ++n) i += code_point_at(text, i).length;
  return n;
}

std::string_view stripped(std::string_view text, std::string_view set, bool left, bool right) {
  while (left && !text.empty()) {
    const uint32_t n = code_point_at(text, 0).length;
    if (!is_in(text, 0, n, set)) break;
    text.remove_prefix(n);
  }
  while (right && !text.empty()) {
    size_t at = text.size() - 1;
    while (at > 0 && text.size() - at < 4 && (static_cast<uint8_t>(text[at]) & 0xC0U) == 0x80U) --at;
    const CodePoint point = code_point_at(text, at);
    if (point.length != text.size() - at) at = text.size() - 1;  // no character: a byte by itself
    if (!is_in(text, at, static_cast<uint32_t>(text.size() - at), set)) break;
    text.remove_suffix(text.size() - at);
  }
  return text;
}

}  // namespace kinglet::text::jinja
