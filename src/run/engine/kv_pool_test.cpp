#include "run/engine/kv_pool.h"

#include <gtest/gtest.h>

#include <set>

namespace kinglet::engine {
namespace {

const graph::SequenceLayout kLayout{kernels::KvType::kF16, {{0, 4096, 2}}, 0};

TEST(KvPool, GivesEachPageOnce) {
  KvPool pool(kLayout, 5);
  EXPECT_EQ(pool.size_bytes(), 5 * 2 * kLayout.groups[0].page_bytes);
  std::set<PageId> pages;
  std::set<const std::byte*> places;
  PageId page = 0;
  while (pool.allocate(page)) {
    EXPECT_TRUE(pages.insert(page).second);
    EXPECT_EQ(pool.references(page), 1U);
    EXPECT_EQ(pool.values(page, 0) - pool.keys(page, 0), static_cast<std::ptrdiff_t>(kLayout.groups[0].page_bytes));
    places.insert(pool.keys(page, 0));
  }
  EXPECT_EQ(pages.size(), 5U);
  EXPECT_EQ(places.size(), 5U);
  EXPECT_EQ(pool.n_free(), 0U);
}

TEST(KvPool, APageIsFreeWhenNobodyHoldsIt) {
  KvPool pool(kLayout, 1);
  PageId page = 0;
  ASSERT_TRUE(pool.allocate(page));
  pool.add_reference(page);
  pool.release(page);
  EXPECT_EQ(pool.n_free(), 0U);
  PageId other = 0;
  EXPECT_FALSE(pool.allocate(other));
  pool.release(page);
  EXPECT_EQ(pool.n_free(), 1U);
  EXPECT_TRUE(pool.allocate(other));
  EXPECT_EQ(other, page);
}

TEST(KvPool, SaysHowMuchMemoryItLacks) {
  const graph::SequenceLayout huge{kernels::KvType::kF32, {{0, size_t{1} << 46, 1}}, 0};
  for (const size_t n_pages : {size_t{1} << 10, size_t{1} << 20}) {  // the second product is over 64 bits
    try {
      KvPool pool(huge, n_pages);
      FAIL() << "no machine has that";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory);
      EXPECT_NE(error.message().find(n_pages == 1024 ? str(size_t{1} << 57) : str(n_pages)), std::string::npos)
          << error.message();
    }
  }
}

}  // namespace
}  // namespace kinglet::engine
