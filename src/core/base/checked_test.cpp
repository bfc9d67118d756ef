#include "core/base/checked.h"

#include <gtest/gtest.h>

#include <limits>

namespace kinglet {
namespace {

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

TEST(Checked, AnOverflowIsAnAnswer) {
  EXPECT_EQ(checked_add<uint64_t>(kMax - 1, 1), kMax);
  EXPECT_EQ(checked_add<uint64_t>(kMax, 1), std::nullopt);
  EXPECT_EQ(checked_add<uint8_t>(200, 55), 255);
  EXPECT_EQ(checked_add<uint8_t>(200, 56), std::nullopt);
  EXPECT_EQ(checked_mul<uint64_t>(1ULL << 32, (1ULL << 32) - 1), ((1ULL << 32) - 1) << 32);
  EXPECT_EQ(checked_mul<uint64_t>(1ULL << 32, 1ULL << 32), std::nullopt);
  EXPECT_EQ(checked_mul<uint64_t>(kMax, 0), 0U);
}

// All pairs of one type, beside wider arithmetic.
TEST(Checked, EveryPairOfBytes) {
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      const auto x = static_cast<uint8_t>(a);
      const auto y = static_cast<uint8_t>(b);
      ASSERT_EQ(checked_add(x, y).has_value(), a + b < 256);
      ASSERT_EQ(checked_mul(x, y).has_value(), a * b < 256);
      ASSERT_EQ(checked_add(x, y).value_or(0), a + b < 256 ? a + b : 0);
      ASSERT_EQ(checked_mul(x, y).value_or(0), a * b < 256 ? a * b : 0);
    }
  }
}

TEST(Checked, RoundUp) {
  for (uint64_t step = 1; step < 70; ++step) {
    for (uint64_t n = 0; n < 300; ++n) {
      const uint64_t up = round_up(n, step);
      ASSERT_TRUE(up >= n && up < n + step && up % step == 0) << n << " " << step;
    }
  }
}

}  // namespace
}  // namespace kinglet
