// Merging against its definition, and how much work it is.
#include "model/text/merging.h"

#include <gtest/gtest.h>

#include <map>

#include "core/base/philox.h"

namespace kinglet::text {
namespace {

// Rules of a random vocabulary: pairs of tokens below 40 that become a token, each with a rank; some ranks are the
// same.
std::map<std::pair<int32_t, int32_t>, Merge> random_rules(Philox& random, size_t n) {
  std::map<std::pair<int32_t, int32_t>, Merge> rules;
  for (size_t i = 0; i < n; ++i) {
    const auto token = [&] { return static_cast<int32_t>(random.next_u32() % 40); };
    const std::pair<int32_t, int32_t> pair(token(), token());
    rules.try_emplace(pair, Merge{random.next_u32() % 60, token()});
  }
  return rules;
}

std::vector<Symbol> random_symbols(Philox& random, size_t n) {
  std::vector<Symbol> symbols;
  for (uint32_t i = 0; i < n; ++i) symbols.push_back({static_cast<int32_t>(random.next_u32() % 6), i, i + 1});
  return symbols;
}

// What the header says, word for word.
template <class Find>
std::vector<Symbol> merged_by_definition(std::vector<Symbol> symbols, const Find& find) {
  for (;;) {
    Merge best;
    size_t at = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      if (const Merge merge = find(symbols[i], symbols[i + 1]); merge.rank < best.rank) {
        best = merge;
        at = i;
      }
    }
    if (best.rank == Merge::kNever) return symbols;
    symbols[at] = {best.token, symbols[at].begin, symbols[at + 1].end};
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

void expect_same(const std::vector<Symbol>& got, const std::vector<Symbol>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].token, want[i].token);
    EXPECT_EQ(got[i].begin, want[i].begin);
    EXPECT_EQ(got[i].end, want[i].end);
  }
}

TEST(Merging, IsWhatItsDefinitionSays) {
  Philox random(3);
  for (int round = 0; round < 300; ++round) {
    const auto rules = random_rules(random, 10 + static_cast<size_t>(round) % 200);
    const auto find = [&](const Symbol& left, const Symbol& right) {
      const auto rule = rules.find({left.token, right.token});
      return rule == rules.end() ? Merge() : rule->second;
    };
    const std::vector<Symbol> symbols = random_symbols(random, static_cast<size_t>(round) % 120);
    const std::vector<Symbol> want = merged_by_definition(symbols, find);
    std::vector<Symbol> many = symbols;
    many.resize(merge_many(std::span(many), find));
    expect_same(many, want);
    if (symbols.size() > kFewSymbols) continue;
    std::vector<Symbol> few = symbols;
    few.resize(merge_few(std::span(few), find));
    expect_same(few, want);
  }
}

// Each merge asks for two pairs at most, so n symbols ask for less than 3 n, however they merge.
TEST(Merging, AsksForThreePairsASymbolAtMost) {
  constexpr size_t kSymbols = KINGLET_SANITIZED ? 40'000 : 200'000;
  const auto doubling = [](const Symbol& left, const Symbol& right) {  // runs of one letter: 1, 2, 4, 8, ...
    return left.token == right.token && left.token < 16 ? Merge{static_cast<uint32_t>(left.token), left.token + 1}
                                                        : Merge();
  };
  const auto growing = [](const Symbol& left, const Symbol& right) {  // one token eats all that follow it
    return left.begin == 0 && right.token == 0 ? Merge{1, 1} : Merge();
  };
  const auto anything = [](const Symbol& left, const Symbol&) { return Merge{left.begin * 2654435761U >> 1U, 0}; };
  const auto nothing = [](const Symbol&, const Symbol&) { return Merge(); };
  const auto count = [&](const auto& find) {
    std::vector<Symbol> symbols;
    for (uint32_t i = 0; i < kSymbols; ++i) symbols.push_back({0, i, i + 1});
    size_t n_asked = 0;
    merge_many(std::span(symbols), [&](const Symbol& left, const Symbol& right) {
      ++n_asked;
      return find(left, right);
    });
    EXPECT_LT(n_asked, 3 * kSymbols);
  };
  count(doubling);
  count(growing);
  count(anything);
  count(nothing);
}

}  // namespace
}  // namespace kinglet::text
