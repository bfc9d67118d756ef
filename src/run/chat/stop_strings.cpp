#include "run/chat/stop_strings.h"

#include <algorithm>
#include <utility>

#include "core/base/base.h"

namespace kinglet::chat {

StopStrings::StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {
  if (std::ranges::any_of(stops_, &std::string::empty)) fail(ErrorCode::kInvalidArgument, "stop: the string is empty");
}

std::string StopStrings::add(std::string_view piece) {
  if (stopped_) return {};
  if (stops_.empty()) return std::string(piece);
  held_ += piece;
  // The first to be complete, and of these the longest: smallest end, then smallest begin.
  std::pair<size_t, size_t> first{std::string::npos, std::string::npos};
  for (const std::string& stop : stops_) {
    const size_t at = held_.find(stop);
    if (at != std::string::npos) first = std::min(first, std::pair(at + stop.size(), at));
  }
  std::string out;
  if (first.first != std::string::npos) {
    stopped_ = true;
    found_ = held_.substr(first.second, first.first - first.second);
    out = held_.substr(0, first.second);
    held_.clear();
    return out;
  }
  size_t n_held = 0;  // the longest end that begins a stop string
  for (const std::string& stop : stops_) {
    for (size_t n = std::min(held_.size(), stop.size() - 1); n > n_held; --n) {
      if (held_.ends_with(std::string_view(stop).substr(0, n))) n_held = n;
    }
  }
  out = held_.substr(0, held_.size() - n_held);
  held_.erase(0, out.size());
  return out;
}

std::string StopStrings::flush() { return std::exchange(held_, {}); }

}  // namespace kinglet::chat
