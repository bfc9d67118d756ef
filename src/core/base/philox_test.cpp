#include "core/base/philox.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

using Words = std::array<uint32_t, 4>;

// Known answers published with Random123 (kat_vectors, philox4x32 with 10 rounds).
TEST(Philox, MatchesPublishedAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, SeekRepeatsTheDraws) {
  Philox generator(42, 7);
  for (int i = 0; i < 5; ++i) generator.next_u32();
  const uint64_t place = generator.index();
  const uint32_t draw = generator.next_u32();
  generator.seek(place);
  EXPECT_EQ(generator.next_u32(), draw);
}

TEST(Philox, UniformStaysBelowOne) {
  Philox generator(1);
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    const float x = generator.next_float();
    ASSERT_GE(x, 0.0F);
    ASSERT_LT(x, 1.0F);
    sum += static_cast<double>(x);
  }
  // The mean of 10,000 uniform draws has a standard deviation of 0.0029; five of them are allowed.
  EXPECT_NEAR(sum / 10000, 0.5, 0.0145);
}

}  // namespace
}  // namespace kinglet
