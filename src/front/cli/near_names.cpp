#include "front/cli/near_names.h"

#include <algorithm>
#include <utility>

#include "core/base/base.h"

namespace kinglet::cli {

// Optimal string alignment: three rows of the table are enough.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before;
  std::vector<size_t> last;
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(last, row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::vector<std::string> near_names(std::string_view word, std::span<const std::string> known) {
  std::vector<std::pair<size_t, std::string>> ranked;
  for (const std::string& name : known) {
    const size_t distance = edit_distance(word, name);
    const bool begins = word.size() >= 2 && name.starts_with(word);
    if (begins || distance <= 1 + word.size() / 4) ranked.emplace_back(begins ? 1 : distance, name);
  }
  std::ranges::sort(ranked);
  std::vector<std::string> names;
  for (auto& [distance, name] : ranked) {
    if (names.size() < 3) names.push_back(std::move(name));
  }
  return names;
}

std::string did_you_mean(std::span<const std::string> names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) text += str(i == 0 ? "; did you mean " : i + 1 == names.size() ? " or " : ", ", names[i]);
  return names.empty() ? text : text + "?";
}

}  // namespace kinglet::cli
