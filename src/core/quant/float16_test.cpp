#include "core/quant/float16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "core/quant/golden_files.h"

namespace kinglet::quant {
namespace {

// What IEEE 754 says of a half: sign, exponent biased by 15, ten bits of fraction.
double meaning_of(uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int fraction = half & 1023;
  const double sign = (half & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 31) {
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

// The half nearest to a finite number, ties to even: in units of its last place, rounded in double.
uint16_t nearest_half(float value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::abs(static_cast<double>(value));
  const int exponent = magnitude == 0 ? -14 : std::max(-14, std::ilogb(magnitude));
  const double units = std::nearbyint(std::ldexp(magnitude, 10 - exponent));
  // 2048 units carry into the next exponent; the same sum holds for both.
  const auto bits = static_cast<uint32_t>(units) + (static_cast<uint32_t>(exponent + 14) << 10U);
  return static_cast<uint16_t>(sign | std::min<uint32_t>(bits, 0x7C00));
}

TEST(Float16, EveryHalfMeansWhatTheStandardSays) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const double want = meaning_of(half);
    const float got = f16_to_f32(half);
    if (std::isnan(want)) {
      ASSERT_TRUE(std::isnan(got)) << bits;
      continue;
    }
    ASSERT_EQ(static_cast<double>(got), want) << bits;
    ASSERT_EQ(std::signbit(got), std::signbit(want)) << bits;
    ASSERT_EQ(f32_to_f16(got), half) << "and back";
  }
}

TEST(Float16, RoundsToNearestEven) {
  // Between each two halves: the middle, and its neighbours on both sides.
  for (uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    const auto middle =
        static_cast<float>((meaning_of(static_cast<uint16_t>(bits)) + meaning_of(static_cast<uint16_t>(bits + 1))) / 2);
    for (const float value : {std::nextafter(middle, 0.0F), middle, std::nextafter(middle, 1e9F)}) {
      ASSERT_EQ(f32_to_f16(value), nearest_half(value)) << static_cast<double>(value);
      ASSERT_EQ(f32_to_f16(-value), nearest_half(-value)) << static_cast<double>(-value);
    }
  }
  for (uint32_t bits = 0; bits < 0x47800000; bits += 1009) {
    ASSERT_EQ(f32_to_f16(bits_to_f32(bits)), nearest_half(bits_to_f32(bits))) << bits;
  }
}

TEST(Float16, OverflowIsInfinity) {
  EXPECT_EQ(f32_to_f16(65504.0F), 0x7BFF);
  EXPECT_EQ(f32_to_f16(std::nextafter(65520.0F, 0.0F)), 0x7BFF);
  EXPECT_EQ(f32_to_f16(65520.0F), 0x7C00);
  EXPECT_EQ(f32_to_f16(-std::numeric_limits<float>::max()), 0xFC00);
}

TEST(Float16, BrainIsTheUpperHalf) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto brain = static_cast<uint16_t>(bits);
    const float value = bf16_to_f32(brain);
    ASSERT_EQ(f32_to_bits(value), bits << 16U);
    if (!std::isnan(value)) {
      ASSERT_EQ(f32_to_bf16(value), brain);
    }
  }
  EXPECT_EQ(f32_to_bf16(bits_to_f32(0x3F808000)), 0x3F80) << "a tie goes to even";
  EXPECT_EQ(f32_to_bf16(bits_to_f32(0x3F818000)), 0x3F82) << "a tie goes to even";
  EXPECT_EQ(f32_to_bf16(bits_to_f32(0x7F7FFFFF)), 0x7F80) << "overflow is infinity";
}

// numpy's and gguf's conversions of edge cases (tools/make_quant_goldens).
TEST(Float16, AsNumpyAndGgufConvert) {
  const auto golden = golden_bytes(std::getenv("KINGLET_SOURCE"), "halves");
  const size_t n = golden.size() / 8;
  ASSERT_GT(n, 500U);
  for (size_t i = 0; i < n; ++i) {
    const auto bits = golden_value<uint32_t>(golden, i * 4);
    const auto half = golden_value<uint16_t>(golden, n * 4 + i * 2);
    const auto brain = golden_value<uint16_t>(golden, n * 6 + i * 2);
    const float value = bits_to_f32(bits);
    EXPECT_EQ(f32_to_bf16(value), brain) << std::hex << bits;
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(f16_to_f32(f32_to_f16(value)))) << std::hex << bits;
    } else {
      EXPECT_EQ(f32_to_f16(value), half) << std::hex << bits;
    }
  }
}

}  // namespace
}  // namespace kinglet::quant
