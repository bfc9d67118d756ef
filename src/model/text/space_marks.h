// U+2581, which stands for a space in pieces. Internal to model/text.
#pragma once

#include <string>
#include <string_view>

namespace kinglet::text {

inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

/// With marks in place of spaces, and one more in front with `prefix`.
inline std::string with_marks(std::string_view text, bool prefix) {
  std::string out;
  out.reserve(text.size() + text.size() / 4 + 3);
  if (prefix) out += kSpaceMark;
  for (const char c : text) {
    if (c == ' ') {
      out += kSpaceMark;
    } else {
      out.push_back(c);
    }
  }
  return out;
}

/// With spaces in place of marks.
inline std::string without_marks(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (text.substr(i).starts_with(kSpaceMark)) {
      out.push_back(' ');
      i += kSpaceMark.size();
    } else {
      out.push_back(text[i++]);
    }
  }
  return out;
}

}  // namespace kinglet::text
