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

}  // namespace kinglet::cli
