#include "home/system/secret.h"

#include <gtest/gtest.h>

#include <set>

namespace kinglet::system {
namespace {

TEST(Secret, RandomHexIsDifferentEachTime) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string text = random_hex(16);
    EXPECT_EQ(text.size(), 32U);
    EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos);
    seen.insert(text);
  }
  EXPECT_EQ(seen.size(), 1000U);
  EXPECT_EQ(random_hex(0), "");
}

TEST(Secret, DigestsAreTheSameOrNot) {
  EXPECT_TRUE(same_secret(Sha256::of("a"), Sha256::of("a")));
  EXPECT_FALSE(same_secret(Sha256::of("a"), Sha256::of("b")));
}

}  // namespace
}  // namespace kinglet::system
