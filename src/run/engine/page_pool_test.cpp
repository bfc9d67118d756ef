#include "run/engine/page_pool.h"

#include <gtest/gtest.h>

#include <set>

namespace kinglet::engine {
namespace {

TEST(PagePool, GivesEachPageOnce) {
  PagePool pool(4096, 5);
  EXPECT_EQ(pool.size_bytes(), 5U * 4096U);
  std::set<PageId> pages;
  std::set<const std::byte*> places;
  PageId page = 0;
  while (pool.allocate(page)) {
    EXPECT_TRUE(pages.insert(page).second);
    EXPECT_EQ(pool.references(page), 1U);
    places.insert(pool.bytes(page));
  }
  EXPECT_EQ(pages.size(), 5U);
  EXPECT_EQ(places.size(), 5U);
  EXPECT_EQ(*places.rbegin() - *places.begin(), 4 * 4096);
  EXPECT_EQ(pool.n_free(), 0U);
}

TEST(PagePool, APageIsFreeWhenNobodyHoldsIt) {
  PagePool pool(64, 1);
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

TEST(PagePool, SaysHowMuchMemoryItLacks) {
  for (const size_t n_pages : {size_t{1} << 10, size_t{1} << 20}) {  // the second product is over 64 bits
    try {
      PagePool pool(size_t{1} << 47, n_pages);
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
