#include "run/engine/prefix_cache.h"

#include <gtest/gtest.h>

#include <map>

namespace kinglet::engine {
namespace {

using kernels::kPageTokens;

/// So many pages of tokens, each page all of one number.
std::vector<int32_t> text(const std::vector<int32_t>& pages, size_t more = 0) {
  std::vector<int32_t> tokens;
  for (const int32_t page : pages) tokens.insert(tokens.end(), kPageTokens, page);
  tokens.insert(tokens.end(), more, 77);
  return tokens;
}

/// A cache over pools of a layout; sequences run as the engine has them, without any model.
class PrefixCaches : public testing::Test {
 protected:
  explicit PrefixCaches(graph::SequenceLayout layout = {kernels::KvType::kF16, {{0, 64, 1}}, 0})
      : pools(layout, {.context_len = 6 * kPageTokens, .max_sequences = 2, .step = kPageTokens}) {}

  std::unique_ptr<PagedMemory> sequence(const std::vector<int32_t>& tokens, size_t variant = 0) {
    return std::make_unique<PagedMemory>(pools, cache, variant, tokens, 6 * kPageTokens);
  }
  /// Computes all of it, a page a step, and takes it in.
  void run(PagedMemory& memory, const std::vector<int32_t>& tokens, size_t variant = 0) {
    for (size_t n = memory.n_known(); n < tokens.size();) {
      const size_t step = std::min(kPageTokens, tokens.size() - n);
      memory.advance(n, step);
      n += step;
      if (n % kPageTokens == 0) memory.keep_state(n);
    }
    memory.share(variant, tokens);
  }
  /// A sequence that has run and is gone: its pages are the cache's alone.
  void insert(const std::vector<int32_t>& tokens, size_t variant = 0) {
    run(*sequence(tokens, variant), tokens, variant);
  }
  size_t n_known(const std::vector<int32_t>& tokens, size_t variant = 0) {
    return sequence(tokens, variant)->n_known() / kPageTokens;
  }

  Pools pools;
  PrefixCache cache{pools};
};

TEST_F(PrefixCaches, FindsTheLongestBeginning) {
  insert(text({1, 2, 3}, 5));
  EXPECT_EQ(cache.n_pages(), 3U) << "whole pages only";
  EXPECT_EQ(n_known(text({1, 2, 3, 4})), 3U);
  EXPECT_EQ(n_known(text({1, 2, 9})), 2U);
  EXPECT_EQ(n_known(text({2, 3})), 0U);
  EXPECT_EQ(n_known(text({1}, 31)), 1U);
  EXPECT_EQ(n_known(text({}, 31)), 0U);
}

TEST_F(PrefixCaches, VariantsShareNothing) {
  insert(text({1, 2}), 0);
  EXPECT_EQ(n_known(text({1, 2}), 7), 0U);
  insert(text({1, 2, 3}), 7);
  EXPECT_EQ(n_known(text({1, 2, 3}), 7), 3U);
  EXPECT_EQ(n_known(text({1, 2, 3}), 0), 2U);
  EXPECT_EQ(cache.n_pages(), 5U);
}

TEST_F(PrefixCaches, AFoundPageIsHeldForTheCaller) {
  insert(text({1, 2}));
  const size_t all = pools.groups[0].n_pages();
  {
    const auto held = sequence(text({1, 2}));
    EXPECT_EQ(held->n_held(0), 2U);
    cache.evict_until(0, all);
    EXPECT_EQ(cache.n_pages(), 2U) << "what a sequence holds stays";
  }
  cache.evict_until(0, all);
  EXPECT_EQ(cache.n_pages(), 0U);
  EXPECT_EQ(pools.groups[0].n_free(), all);
}

TEST_F(PrefixCaches, OfPagesThatAreKnownTheOlderStaysForBoth) {
  const auto first = sequence(text({1, 2, 3}));
  const auto second = sequence(text({1, 2, 3, 4}));
  run(*first, text({1, 2, 3}));
  run(*second, text({1, 2, 3, 4}));  // computed beside, without knowing of each other
  EXPECT_EQ(cache.n_pages(), 4U);
  EXPECT_EQ(pools.groups[0].n_free(), pools.groups[0].n_pages() - 4) << "what was there twice is there once";
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(first->pages()->keys[i], second->pages()->keys[i]);
}

TEST_F(PrefixCaches, TheOldestEndGoesFirst) {
  insert(text({1, 2, 3}));
  insert(text({1, 5}));
  insert(text({6}));
  n_known(text({1, 2, 3}));  // used again
  cache.evict_until(0, pools.groups[0].n_pages() - 4);
  EXPECT_EQ(n_known(text({1, 5})), 1U) << "the oldest end is gone, what others stand on is not";
  EXPECT_EQ(n_known(text({6})), 1U);
  EXPECT_EQ(n_known(text({1, 2, 3})), 3U);
}

TEST_F(PrefixCaches, ClearGivesAllBack) {
  insert(text({1, 2, 3}));
  insert(text({1, 4, 5, 6}));
  cache.clear();
  EXPECT_EQ(cache.n_pages(), 0U);
  EXPECT_EQ(pools.groups[0].n_free(), pools.groups[0].n_pages());
}

TEST_F(PrefixCaches, AVeryLongTextEndsWithoutDeepRecursion) {
  constexpr size_t kPages = 20000;
  Pools large(pools.layout, {.context_len = kPages * kPageTokens, .max_sequences = 1, .step = kPageTokens});
  {
    PrefixCache deep(large);
    const std::vector<int32_t> tokens(kPages * kPageTokens, 3);
    {
      PagedMemory memory(large, deep, 0, tokens, tokens.size());
      memory.advance(0, tokens.size());
      memory.share(0, tokens);
    }
    deep.evict_until(0, 3);
    EXPECT_EQ(large.groups[0].n_free(), 3U);
  }
  EXPECT_EQ(large.groups[0].n_free(), kPages);
}

/// A group without a window and one whose window is two pages, and states.
class HybridCaches : public PrefixCaches {
 protected:
  HybridCaches() : PrefixCaches({kernels::KvType::kF16, {{0, 64, 1}, {2 * kPageTokens, 64, 1}}, 128}) {}
};

TEST_F(HybridCaches, ASequenceHoldsItsWindowAlone) {
  const auto memory = sequence({});
  for (size_t n = 0; n < 6 * kPageTokens; ++n) {
    memory->advance(n, 1);
    EXPECT_EQ(memory->n_held(0), n / kPageTokens + 1);
    EXPECT_LE(memory->n_held(1), pools.layout.groups[1].pages_for(6 * kPageTokens, 1));
    EXPECT_LE(memory->n_held(1), 3U);
    // The first key that the row sees is there.
    const size_t lo = n < 2 * kPageTokens ? 0 : n + 1 - 2 * kPageTokens;
    for (size_t page = lo / kPageTokens; page <= n / kPageTokens; ++page) {
      EXPECT_NE(memory->pages()[1].keys[page], nullptr) << n;
    }
  }
  EXPECT_EQ(memory->pages()[1].keys[0], nullptr);
}

TEST_F(HybridCaches, ABeginningIsUsableWhereItsWindowAndItsStateAre) {
  {
    const auto memory = sequence({});
    const std::vector<int32_t> tokens = text({1, 2, 3, 4, 5}, 7);
    memory->advance(0, 2 * kPageTokens);
    *memory->state() = std::byte{42};
    memory->keep_state(2 * kPageTokens);
    memory->share(0, text({1, 2}));
    *memory->state() = std::byte{43};
    memory->advance(2 * kPageTokens, kPageTokens);
    memory->advance(3 * kPageTokens, kPageTokens);
    memory->advance(4 * kPageTokens, kPageTokens);
    memory->keep_state(5 * kPageTokens);
    memory->advance(5 * kPageTokens, 7);
    memory->share(0, tokens);
  }
  EXPECT_EQ(n_known(text({1, 2, 3, 4, 5, 6})), 5U);
  EXPECT_EQ(n_known(text({1, 2, 3, 4, 6})), 2U) << "no state after three or four pages";
  EXPECT_EQ(*sequence(text({1, 2, 9}))->state(), std::byte{42});
  EXPECT_EQ(*sequence(text({1, 2, 3, 4, 5}))->state(), std::byte{43});
  EXPECT_EQ(*sequence(text({9}))->state(), std::byte{0});
  // Taking the end's window leaves the other end.
  n_known(text({1, 2, 8}));
  size_t n_free = pools.groups[1].n_free();
  cache.evict_until(1, n_free + 1);
  EXPECT_EQ(n_known(text({1, 2, 3, 4, 5})), 2U);
  EXPECT_EQ(cache.n_pages(), 5U) << "keys of the other group are still there";
  cache.evict_states_until(pools.states->n_pages());
  EXPECT_EQ(n_known(text({1, 2, 3, 4, 5})), 0U);
  EXPECT_EQ(pools.states->n_free(), pools.states->n_pages());
}

/// Nothing but a window: nodes without any page must not stay.
class WindowCaches : public PrefixCaches {
 protected:
  WindowCaches() : PrefixCaches({kernels::KvType::kF16, {{kPageTokens, 64, 1}}, 0}) {}
};

TEST_F(WindowCaches, KeepNoTokensWithoutPages) {
  insert(text({1, 2, 3, 4, 5}));
  EXPECT_EQ(cache.n_pages(), 5U);
  EXPECT_EQ(n_known(text({1, 2, 3, 4, 5})), 5U);
  EXPECT_EQ(n_known(text({1, 2, 3})), 0U) << "that window is gone";
  cache.evict_until(0, pools.groups[0].n_pages());
  EXPECT_EQ(cache.n_pages(), 0U);
}

/// Random sequences that come, share, grow and go, in layouts of all kinds, beside a model of the references that there
/// should be: none is lost, and there is always room.
void run_at_random(const graph::SequenceLayout& layout) {
  constexpr size_t kContext = 6 * kPageTokens;
  Pools pools(layout, {.context_len = kContext, .max_sequences = 3, .step = 40});
  PrefixCache cache(pools);
  struct Running {
    std::unique_ptr<PagedMemory> memory;
    std::vector<int32_t> tokens;
    size_t n_done;
    size_t variant;
  };
  Philox random(11);
  const auto below = [&](size_t n) { return random.next_u32() % n; };
  std::vector<Running> running;
  size_t n_known = 0;
  for (int step = 0; step < 6000; ++step) {
    if (running.size() < 3 && below(3) == 0) {
      std::vector<int32_t> numbers;
      for (size_t i = 0; i < 1 + below(5); ++i) numbers.push_back(static_cast<int32_t>(below(2)));
      Running next{nullptr, text(numbers, below(32)), 0, below(2)};
      next.memory = std::make_unique<PagedMemory>(pools, cache, next.variant, next.tokens, kContext);
      next.n_done = next.memory->n_known();
      n_known += next.n_done;
      running.push_back(std::move(next));
    } else if (!running.empty()) {
      const size_t i = below(running.size());
      Running& of = running[i];
      if (of.n_done == of.tokens.size() || below(8) == 0) {
        if (below(4) > 0) of.memory->share(of.variant, std::span(of.tokens).first(of.n_done));
        running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
        continue;
      }
      size_t n = std::min(1 + below(40), of.tokens.size() - of.n_done);
      if (below(2) == 0) n = std::min(n, kPageTokens - of.n_done % kPageTokens);
      of.memory->advance(of.n_done, n);
      of.n_done += n;
      if (of.n_done % kPageTokens == 0) of.memory->keep_state(of.n_done);
      if (below(4) == 0) of.memory->share(of.variant, std::span(of.tokens).first(of.n_done));
    }
  }
  EXPECT_GT(n_known, 100 * kPageTokens);
  running.clear();
  cache.clear();
  for (const PagePool& group : pools.groups) EXPECT_EQ(group.n_free(), group.n_pages());
  if (pools.states) {
    EXPECT_EQ(pools.states->n_free(), pools.states->n_pages());
  }
}

TEST(PagedMemories, ComeAndGoAtRandom) {
  const graph::KvGroup all{0, 64, 1};
  const graph::KvGroup wide{2 * kPageTokens + 5, 64, 1};
  const graph::KvGroup narrow{7, 64, 1};
  run_at_random({kernels::KvType::kF16, {all}, 0});
  run_at_random({kernels::KvType::kF16, {wide}, 0});
  run_at_random({kernels::KvType::kF16, {narrow}, 64});
  run_at_random({kernels::KvType::kF16, {wide, all, narrow}, 0});
  run_at_random({kernels::KvType::kF16, {all, narrow}, 64});
  run_at_random({kernels::KvType::kF16, {}, 64});
}

}  // namespace
}  // namespace kinglet::engine
