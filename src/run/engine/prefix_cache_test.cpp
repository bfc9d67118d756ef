#include "run/engine/prefix_cache.h"

#include <gtest/gtest.h>

#include <map>

namespace kinglet::engine {
namespace {

using kernels::kPageTokens;

const graph::SequenceLayout kLayout{kernels::KvType::kF16, {{0, 64, 1}}, 0};

/// So many pages of tokens, each page all of one number.
std::vector<int32_t> text(const std::vector<int32_t>& pages, size_t more = 0) {
  std::vector<int32_t> tokens;
  for (const int32_t page : pages) tokens.insert(tokens.end(), kPageTokens, page);
  tokens.insert(tokens.end(), more, 77);
  return tokens;
}

class PrefixCaches : public testing::Test {
 protected:
  std::vector<PageId> allocate(size_t n) {
    std::vector<PageId> pages(n);
    for (PageId& page : pages) EXPECT_TRUE(pool.allocate(page));
    return pages;
  }
  /// A sequence that has run and is gone: its pages are the cache's alone.
  void insert(const std::vector<int32_t>& tokens) {
    std::vector<PageId> pages = cache.find(tokens);
    while (pages.size() * kPageTokens < tokens.size()) {
      PageId page = 0;
      ASSERT_TRUE(pool.allocate(page));
      pages.push_back(page);
    }
    cache.insert(tokens, pages);
    release(pages);
  }
  void release(const std::vector<PageId>& pages) {
    for (const PageId page : pages) pool.release(page);
  }
  size_t n_known(const std::vector<int32_t>& tokens) {
    const std::vector<PageId> pages = cache.find(tokens);
    release(pages);
    return pages.size();
  }

  KvPool pool{kLayout, 12};
  PrefixCache cache{pool};
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

TEST_F(PrefixCaches, AFoundPageIsHeldForTheCaller) {
  insert(text({1, 2}));
  const std::vector<PageId> pages = cache.find(text({1, 2}));
  ASSERT_EQ(pages.size(), 2U);
  for (const PageId page : pages) EXPECT_EQ(pool.references(page), 2U);
  cache.evict_until(12);
  EXPECT_EQ(cache.n_pages(), 2U) << "what a sequence holds stays";
  release(pages);
  cache.evict_until(12);
  EXPECT_EQ(cache.n_pages(), 0U);
  EXPECT_EQ(pool.n_free(), 12U);
}

TEST_F(PrefixCaches, OfPagesThatAreKnownTheOlderStays) {
  insert(text({1, 2}));
  const std::vector<PageId> known = cache.find(text({1, 2}));
  const std::vector<PageId> own = allocate(3);  // computed beside, without knowing of each other
  cache.insert(text({1, 2, 3}), own);
  EXPECT_EQ(cache.n_pages(), 3U);
  EXPECT_EQ(pool.references(own[0]), 1U);
  EXPECT_EQ(pool.references(own[1]), 1U);
  EXPECT_EQ(pool.references(own[2]), 2U);
  release(own);
  release(known);
  EXPECT_EQ(cache.find(text({1, 2}))[1], known[1]);
}

TEST_F(PrefixCaches, TheOldestEndGoesFirst) {
  insert(text({1, 2, 3}));
  insert(text({1, 5}));
  insert(text({6}));
  n_known(text({1, 2, 3}));  // used again
  cache.evict_until(12 - 4);
  EXPECT_EQ(n_known(text({1, 5})), 1U) << "the oldest end is gone, what others stand on is not";
  EXPECT_EQ(n_known(text({6})), 1U);
  EXPECT_EQ(n_known(text({1, 2, 3})), 3U);
}

TEST_F(PrefixCaches, ClearGivesAllBack) {
  insert(text({1, 2, 3}));
  insert(text({1, 4, 5, 6}));
  cache.clear();
  EXPECT_EQ(cache.n_pages(), 0U);
  EXPECT_EQ(pool.n_free(), 12U);
}

TEST_F(PrefixCaches, AVeryLongTextEndsWithoutDeepRecursion) {
  KvPool large(kLayout, 20000);
  {
    PrefixCache deep(large);
    std::vector<PageId> pages(20000);
    for (PageId& page : pages) ASSERT_TRUE(large.allocate(page));
    deep.insert(std::vector<int32_t>(20000 * kPageTokens, 3), pages);
    for (const PageId page : pages) large.release(page);
    deep.evict_until(3);
    EXPECT_EQ(large.n_free(), 3U);
  }
  EXPECT_EQ(large.n_free(), 20000U);
}

// Random sequences that come, share, grow and go, beside a model of the references that there should be.
TEST_F(PrefixCaches, ReferencesAreKept) {
  Philox random(11);
  const auto below = [&](size_t n) { return random.next_u32() % n; };
  std::vector<std::vector<PageId>> running;
  for (int step = 0; step < 3000; ++step) {
    if (running.size() < 3 && below(2) == 0) {
      std::vector<int32_t> numbers;
      for (size_t i = 0; i < 1 + below(4); ++i) numbers.push_back(static_cast<int32_t>(below(3)));
      const std::vector<int32_t> tokens = text(numbers, below(3));
      std::vector<PageId> pages = cache.find(tokens);
      const size_t n_new = numbers.size() - pages.size();
      cache.evict_until(n_new);
      if (pool.n_free() < n_new) {
        release(pages);
        continue;
      }
      for (const PageId page : allocate(n_new)) pages.push_back(page);
      if (below(4) > 0) cache.insert(tokens, pages);
      running.push_back(pages);
    } else if (!running.empty()) {
      const size_t i = below(running.size());
      release(running[i]);
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
    }
    // Every page is free, or held by the sequences that have it and at most once by the cache.
    std::map<PageId, uint32_t> held;
    for (const auto& pages : running) {
      for (const PageId page : pages) ++held[page];
    }
    size_t n_cached = 0;
    size_t n_used = 0;
    for (PageId page = 0; page < pool.n_pages(); ++page) {
      const uint32_t more = pool.references(page) - held[page];
      ASSERT_LE(more, 1U) << "step " << step;
      n_cached += more;
      n_used += pool.references(page) > 0;
    }
    ASSERT_EQ(n_cached, cache.n_pages()) << "step " << step;
    ASSERT_EQ(n_used + pool.n_free(), pool.n_pages()) << "step " << step;
  }
}

}  // namespace
}  // namespace kinglet::engine
