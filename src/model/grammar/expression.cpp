#include "model/grammar/expression.h"

#include <algorithm>

namespace kinglet::grammar {

std::vector<CharacterRange> normal_ranges(std::vector<CharacterRange> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<CharacterRange> normal;
  for (const CharacterRange& range : ranges) {
    if (!normal.empty() && range.first <= normal.back().last + 1) {
      normal.back().last = std::max(normal.back().last, range.last);
    } else {
      normal.push_back(range);
    }
  }
  return normal;
}

std::vector<CharacterRange> complement_of(const std::vector<CharacterRange>& ranges) {
  std::vector<CharacterRange> rest;
  uint32_t next = 0;
  for (const CharacterRange& range : normal_ranges(ranges)) {
    if (range.first > next) rest.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastCharacter) rest.push_back({next, kLastCharacter});
  return rest;
}

}  // namespace kinglet::grammar
