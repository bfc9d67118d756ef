// Lines of a text, each with its place for messages.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/base.h"
#include "front/cli/input_files.h"

namespace kinglet::cli {

/// Calls use(line, "line N") for each line that is not empty. Lines end with \n alone: JSON strings may hold other
/// breaks.
template <class Use>
void for_each_line(std::string_view text, const Use& use) {
  size_t number = 1;
  for (size_t at = 0; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) use(line, str("line ", number));
    at = end + 1;
  }
}

/// All lines, empty ones too; JSON strings where `is_json`, of which empty lines are none. Throws
/// Error{kInvalidArgument} for a line that is no UTF-8 or no JSON string.
inline std::vector<std::string> lines_of(std::string_view text, bool is_json) {
  std::vector<std::string> lines;
  if (is_json) {
    for_each_line(text, [&](std::string_view line, const std::string& place) {
      lines.push_back(system::Json::parse(line, place).as_string(place));
    });
    return lines;
  }
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    require_utf8(line, str("line ", lines.size() + 1));
    lines.emplace_back(line);
    at = end + 1;
  }
  return lines;
}

}  // namespace kinglet::cli
