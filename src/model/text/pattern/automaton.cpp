#include "model/text/pattern/automaton.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/base.h"

namespace kinglet::text {
namespace {

uint64_t sets_with(const Pattern& pattern, uint32_t c, uint32_t category, bool is_space) {
  uint64_t bits = 0;
  for (size_t i = 0; i < pattern.sets.size(); ++i)
    bits |= uint64_t{pattern.sets[i].has(c, category, is_space) ? 1U : 0U} << i;
  return bits;
}

// All characters at which a set's ranges begin or have ended.
void add_borders(const CharSet& set, std::set<uint32_t>& borders) {
  for (const auto& [first, last] : set.ranges) {
    borders.insert(first);
    borders.insert(last + 1);
  }
  for (const CharSet& inner : set.within) add_borders(inner, borders);
}

// What a state's ways do in front of a character of some sets: those that take it, in order, and whether one ends.
struct Ways {
  std::vector<uint32_t> next;
  bool ends = false;
};

class Follower {
 public:
  explicit Follower(const Pattern& pattern) : pattern_(pattern), seen_(pattern.steps.size()) {}

  Ways follow(const std::vector<uint32_t>& state, uint64_t sets, bool at_end) {
    Ways ways;
    seen_.assign(seen_.size(), false);
    for (const uint32_t step : state) {
      if (!visit(step, sets, at_end, ways)) break;
    }
    std::vector<uint32_t> once;
    for (const uint32_t step : ways.next) {
      if (std::ranges::find(once, step) == once.end()) once.push_back(step);
    }
    ways.next = std::move(once);
    return ways;
  }

 private:
  // False when a way ends: all that come later count no more.
  bool visit(uint32_t at, uint64_t sets, bool at_end, Ways& ways) {
    if (seen_[at]) return true;
    seen_[at] = true;
    const PatternStep& step = pattern_.steps[at];
    const bool in = !at_end && ((sets >> step.set) & 1U) != 0;
    switch (step.kind) {
      case PatternStep::Kind::kSet:
        if (in) ways.next.push_back(step.next);
        return true;
      case PatternStep::Kind::kSplit:
        return visit(step.next, sets, at_end, ways) && visit(step.other, sets, at_end, ways);
      case PatternStep::Kind::kAhead:
        return !in || visit(step.next, sets, at_end, ways);
      case PatternStep::Kind::kNotAhead:
        return in || visit(step.next, sets, at_end, ways);
      case PatternStep::Kind::kMatch:
        ways.ends = true;
        return false;
    }
    return true;
  }

  const Pattern& pattern_;
  std::vector<bool> seen_;
};

}  // namespace

Automaton::Automaton(std::string_view text) {
  const Pattern pattern = Pattern::parse(text);
  KINGLET_CHECK(pattern.sets.size() <= 64, "a pattern of 64 sets at most");
  make_kinds(pattern);
  make_moves(pattern);
}

uint8_t Automaton::kind_with(uint64_t sets) {
  const auto found = std::ranges::find(sets_of_kind_, sets);
  const auto kind = static_cast<uint8_t>(found - sets_of_kind_.begin());
  if (found == sets_of_kind_.end()) sets_of_kind_.push_back(sets);
  KINGLET_CHECK(sets_of_kind_.size() < 255, "a pattern of 255 kinds of characters at most");
  return kind;
}

void Automaton::make_kinds(const Pattern& pattern) {
  std::set<uint32_t> borders;
  for (const CharSet& set : pattern.sets) add_borders(set, borders);
  borders.insert({0, kPlane, CharSet::kNoCharacter});
  // Between two borders the kind depends on the category and on being a space alone.
  kinds_.resize(kPlane);
  for (auto border = borders.begin(); *border < CharSet::kNoCharacter; ++border) {
    const uint32_t first = *border;
    if (first >= kPlane) {  // no spaces there
      Stretch& stretch = wide_.emplace_back(Stretch{first, {}});
      for (uint32_t i = 0; i < kCategories; ++i) stretch.kinds[i] = kind_with(sets_with(pattern, first, i, false));
      continue;
    }
    std::array<std::array<int, 2>, kCategories> kinds{};
    for (auto& both : kinds) both.fill(-1);
    for (uint32_t c = first; c < *std::next(border); ++c) {
      const uint32_t category = category_of(c);
      const bool is_space = (char_class(c) & CharClass::kSpace) != 0;
      int& kind = kinds[category][is_space ? 1 : 0];
      if (kind < 0) kind = kind_with(sets_with(pattern, c, category, is_space));
      kinds_[c] = static_cast<uint8_t>(kind);
    }
  }
  none_ = kind_with(sets_with(pattern, CharSet::kNoCharacter, 0, false));
  n_kinds_ = sets_of_kind_.size() + 1;
}

uint8_t Automaton::kind_of(uint32_t c) const noexcept {
  if (c < kPlane) return kinds_[c];
  if (c == CharSet::kNoCharacter) return none_;
  const auto behind = std::ranges::upper_bound(wide_, c, {}, &Stretch::first);
  return std::prev(behind)->kinds[category_of(c)];
}

void Automaton::make_moves(const Pattern& pattern) {
  std::map<std::vector<uint32_t>, uint16_t> numbers;
  std::vector<std::vector<uint32_t>> states;
  const auto number_of = [&](const std::vector<uint32_t>& state) {
    if (state.empty()) return kDead;
    const auto [place, is_new] = numbers.try_emplace(state, static_cast<uint16_t>(states.size()));
    if (is_new) states.push_back(state);
    KINGLET_CHECK(states.size() < kDead, "a pattern of so many states at most");
    return place->second;
  };
  number_of({pattern.start});
  Follower follower(pattern);
  for (size_t state = 0; state < states.size(); ++state) {
    for (size_t kind = 0; kind < n_kinds_; ++kind) {
      const bool at_end = kind + 1 == n_kinds_;
      const Ways ways = follower.follow(states[state], at_end ? 0 : sets_of_kind_[kind], at_end);
      moves_.push_back({number_of(ways.next), ways.ends});
    }
  }
}

}  // namespace kinglet::text
