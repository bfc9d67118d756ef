// Names that somebody may have meant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::store {

/// Letters to insert, remove or replace (Levenshtein's distance).
size_t distance(std::string_view a, std::string_view b);

/// Of `candidates`, at most three that look like `wanted`, the nearest first: few letters differ, or one is how the
/// other begins.
std::vector<std::string> nearest(std::string_view wanted, const std::vector<std::string>& candidates);

}  // namespace kinglet::store
