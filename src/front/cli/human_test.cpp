#include "front/cli/human.h"

#include <gtest/gtest.h>

namespace kinglet::cli {
namespace {

TEST(Human, Bytes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 KB");
  EXPECT_EQ(human_bytes(98'362'432), "98 MB");
  EXPECT_EQ(human_bytes(999'500'000), "1.0 GB");
  EXPECT_EQ(human_bytes(UINT64_MAX), "18446744 TB");
}

TEST(Human, Counts) {
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(134'515'008), "134.5M");
  EXPECT_EQ(human_count(1'235'814'400), "1.2B");
}

TEST(Human, Seconds) {
  EXPECT_EQ(human_seconds(28.9), "28s");
  EXPECT_EQ(human_seconds(268), "4m28s");
  EXPECT_EQ(human_seconds(3 * 3600 + 120), "3h2m");
  EXPECT_EQ(human_seconds(1e30), "");
}

}  // namespace
}  // namespace kinglet::cli
