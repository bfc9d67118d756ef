#include "home/system/memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace kinglet::system {
namespace {

TEST(Memory, SaysWhatIsThere) {
  const Memory now = memory();
  EXPECT_GT(now.total_bytes, uint64_t{64} << 20);
  EXPECT_GT(now.available_bytes, 0U);
  EXPECT_LE(now.available_bytes, now.total_bytes);
}

TEST(Memory, ThePeakGrowsWithWhatIsUsed) {
  const uint64_t before = peak_resident_bytes();
  constexpr size_t kBytes = size_t{64} << 20;
  std::vector<char> used(kBytes);
  std::memset(used.data(), 1, used.size());
  EXPECT_GE(peak_resident_bytes(), before + kBytes / 2);
  EXPECT_EQ(used[kBytes / 2], 1);
}

}  // namespace
}  // namespace kinglet::system
