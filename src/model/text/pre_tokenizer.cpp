#include "model/text/pre_tokenizer.h"

#include <algorithm>

#include "core/base/base.h"

namespace kinglet::text {

const PreTokenizer* find_pre_tokenizer(std::string_view name) noexcept {
  const auto all = pre_tokenizers();
  const auto found = std::ranges::find(all, name, &PreTokenizer::name);
  return found == all.end() ? nullptr : &*found;
}

std::string pre_tokenizer_names() {
  std::string names;
  for (const PreTokenizer& pre : pre_tokenizers()) names += str(names.empty() ? "" : ", ", pre.name);
  return names;
}

WordCutter::WordCutter(std::span<const Cut> cuts) {
  for (const Cut& cut : cuts) {
    Step& step = steps_.emplace_back();
    step.by_hand = cut.by_hand;
    if (cut.by_hand == nullptr) step.automaton = std::make_unique<const Automaton>(cut.pattern);
  }
}

// Matches fail within a few characters, in all patterns that there are; so what stands between them takes linear time.
size_t WordCutter::Step::match_or_gap_end(std::string_view text, size_t at) const noexcept {
  const size_t end = automaton->match_end(text, at);
  if (end > at) return end;
  do {
    at += code_point_at(text, at).length;
  } while (at < text.size() && automaton->match_end(text, at) == at);
  return at;
}

}  // namespace kinglet::text
