// A stable sort that takes any comparison. Internal to model/text.
//
// std::sort may read outside of its range where a comparison contradicts itself, as that of numbers that are not
// numbers does; std::stable_sort of the library that Debian has warns of itself.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace kinglet::text {

/// Merges runs that get twice as long each time. less(a, b); n log n comparisons at most, which may throw: then the
/// values are in some order, and some may be moved from.
template <class Value, class Less>
void merge_sort(std::vector<Value>& values, const Less& less) {
  std::vector<Value> merged;
  merged.reserve(values.size());
  for (size_t run = 1; run < values.size(); run *= 2) {
    merged.clear();
    for (size_t begin = 0; begin < values.size(); begin += 2 * run) {
      const size_t middle = std::min(begin + run, values.size());
      const size_t end = std::min(begin + 2 * run, values.size());
      size_t left = begin;
      size_t right = middle;
      while (left < middle && right < end) {
        const bool takes_right = less(values[right], values[left]);
        merged.push_back(std::move(values[takes_right ? right++ : left++]));
      }
      while (left < middle) merged.push_back(std::move(values[left++]));
      while (right < end) merged.push_back(std::move(values[right++]));
    }
    values.swap(merged);
  }
}

}  // namespace kinglet::text
