// Letter case and blanks of text, as Python's str has them. Internal to the template engine.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kinglet::text::jinja {

std::string upper(std::string_view text);
std::string lower(std::string_view text);
/// The first character upper, the rest lower.
std::string capitalized(std::string_view text);
/// Each word so.
std::string titled(std::string_view text);
/// Characters, not bytes.
size_t length(std::string_view text);

/// Without the characters of `set` (empty: white space) at the ends.
std::string_view stripped(std::string_view text, std::string_view set, bool left, bool right);

}  // namespace kinglet::text::jinja
