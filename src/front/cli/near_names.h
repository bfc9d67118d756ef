// Which of the known words somebody may have meant.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kinglet::cli {

/// Letters to insert, remove, change or swap to get from one word to the other.
size_t edit_distance(std::string_view a, std::string_view b);

/// At most three of `known` that look like `word`, the nearest first.
std::vector<std::string> near_names(std::string_view word, std::span<const std::string> known);

/// "; did you mean A or B?", or nothing where there are none.
std::string did_you_mean(std::span<const std::string> names);

}  // namespace kinglet::cli
