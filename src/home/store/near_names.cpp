#include "home/store/near_names.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace kinglet::store {
namespace {

constexpr size_t kMaxNames = 3;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// "smollm2" of "smollm2:135m".
std::string_view without_tag(std::string_view name) { return name.substr(0, name.rfind(':')); }

}  // namespace

size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::vector<std::string> nearest(std::string_view wanted, const std::vector<std::string>& candidates) {
  const std::string target = lower(wanted);
  std::vector<std::pair<size_t, std::string>> found;
  for (const std::string& candidate : candidates) {
    const std::string text = lower(candidate);
    const size_t whole = distance(target, text);
    const size_t names = distance(without_tag(target), without_tag(text));
    const bool begins =
        without_tag(text).starts_with(without_tag(target)) || without_tag(target).starts_with(without_tag(text));
    const size_t allowed = std::max<size_t>(2, without_tag(target).size() / 3);
    if (begins || names <= allowed) found.emplace_back(names * 100 + whole, candidate);
  }
  std::ranges::sort(found);
  std::vector<std::string> names;
  for (auto& [score, name] : found) {
    if (names.size() < kMaxNames) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace kinglet::store
