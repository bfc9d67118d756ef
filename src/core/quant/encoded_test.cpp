// Activation encodings against their definition in encoded.h.
#include "core/quant/encoded.h"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/base/base.h"
#include "core/quant/float16.h"

namespace kinglet::quant {
namespace {

constexpr size_t kCols = 1024;

struct Encoded {
  std::vector<int8_t> codes;
  std::vector<float> scales;
};

Encoded encode(Activation activation, const std::vector<float>& x) {
  const EncodedLayout layout = encoded_layout(activation, x.size());
  std::vector<std::byte> row(layout.row_bytes + 16, std::byte{0xA5});
  encode_activation(activation, x.data(), x.size(), row.data());
  for (size_t i = 0; i < 16; ++i) EXPECT_EQ(row[layout.row_bytes + i], std::byte{0xA5}) << "behind the row";
  Encoded result{std::vector<int8_t>(x.size()),
                 std::vector<float>(x.size() / (activation == Activation::kQ8 ? 32 : 256))};
  std::memcpy(result.codes.data(), row.data(), x.size());
  std::memcpy(result.scales.data(), row.data() + layout.scale_offset, result.scales.size() * sizeof(float));
  return result;
}

std::vector<std::vector<float>> rows() {
  Philox random(4);
  std::vector<std::vector<float>> rows;
  for (const float scale : {1.0F, 1e-3F, 1e-20F, 1e-36F, 1e30F}) {
    std::vector<float> row(kCols);
    for (float& x : row) x = (random.next_float() * 2.0F - 1.0F) * scale;
    rows.push_back(row);
  }
  std::vector<float> ties(kCols);
  for (size_t i = 0; i < kCols; ++i)
    ties[i] = static_cast<float>(i % 255) * 0.5F - 63.5F;  // with 127 in each block: halves
  for (size_t i = 0; i < kCols; i += 32) ties[i] = i % 64 == 0 ? 127.0F : -127.0F;
  rows.push_back(ties);
  rows.emplace_back(kCols, 0.0F);
  rows.emplace_back(kCols, -0.0F);
  rows.emplace_back(kCols, 1e-44F);  // its scale is 0 in f32
  rows.emplace_back(kCols, 1e-38F);  // its scale has no finite inverse
  rows.emplace_back(kCols, -3e38F);
  return rows;
}

class ActivationCodes : public testing::TestWithParam<Activation> {};

TEST_P(ActivationCodes, FollowTheDefinition) {
  const size_t block_len = GetParam() == Activation::kQ8 ? 32 : 256;
  size_t row_idx = 0;
  for (const std::vector<float>& x : rows()) {
    const Encoded got = encode(GetParam(), x);
    for (size_t block = 0; block < kCols / block_len; ++block) {
      float peak = 0.0F;
      for (size_t i = block * block_len; i < (block + 1) * block_len; ++i) peak = std::max(peak, std::abs(x[i]));
      const float scale = peak / 127.0F;
      ASSERT_EQ(f32_to_bits(got.scales[block]), f32_to_bits(scale)) << "row " << row_idx << ", block " << block;
      const float inverse = 1.0F / scale;
      const bool none = scale == 0.0F || !(inverse <= FLT_MAX);
      for (size_t i = block * block_len; i < (block + 1) * block_len; ++i) {
        const int want = none ? 0 : static_cast<int>(std::rint(static_cast<double>(x[i] * inverse)));
        ASSERT_EQ(got.codes[i], want) << "row " << row_idx << ", element " << i;
        ASSERT_LE(std::abs(got.codes[i]), 127);
        if (none) continue;
        const double off = static_cast<double>(got.codes[i]) * static_cast<double>(scale) - static_cast<double>(x[i]);
        ASSERT_LE(std::abs(off), 0.50002 * static_cast<double>(scale)) << "row " << row_idx << ", element " << i;
      }
    }
    ++row_idx;
  }
}

INSTANTIATE_TEST_SUITE_P(Both, ActivationCodes, testing::Values(Activation::kQ8, Activation::kQ8K),
                         [](const auto& activation) { return activation.param == Activation::kQ8 ? "Q8" : "Q8K"; });

template <class T>
T part_at(const std::vector<std::byte>& row, size_t offset, size_t i) {
  T value;
  std::memcpy(&value, row.data() + offset + i * sizeof(T), sizeof(T));
  return value;
}

TEST(ActivationSums, OfEachBlockOrGroup) {
  for (const std::vector<float>& x : rows()) {
    for (const Activation activation : {Activation::kQ8, Activation::kQ8K}) {
      const EncodedLayout layout = encoded_layout(activation, kCols);
      std::vector<std::byte> row(layout.row_bytes);
      encode_activation(activation, x.data(), kCols, row.data());
      const size_t len = activation == Activation::kQ8 ? 32 : 16;
      for (size_t g = 0; g < kCols / len; ++g) {
        int32_t want = 0;
        for (size_t i = 0; i < len; ++i) want += part_at<int8_t>(row, 0, g * len + i);
        if (activation == Activation::kQ8K) {
          ASSERT_EQ(part_at<int16_t>(row, layout.sum_offset, g), want) << g;
          continue;
        }
        ASSERT_EQ(part_at<int32_t>(row, layout.sum_offset, g), want) << g;
        ASSERT_EQ(part_at<float>(row, layout.scaled_sum_offset, g),
                  part_at<float>(row, layout.scale_offset, g) * static_cast<float>(want))
            << g;
      }
    }
  }
}

TEST(ActivationLayout, PartsAreAlignedAndApart) {
  for (size_t cols = 256; cols <= 8192; cols += 256) {
    const EncodedLayout q8 = encoded_layout(Activation::kQ8, cols);
    EXPECT_GE(q8.scale_offset, cols);
    EXPECT_GE(q8.sum_offset, q8.scale_offset + cols / 32 * sizeof(float));
    EXPECT_GE(q8.scaled_sum_offset, q8.sum_offset + cols / 32 * sizeof(int32_t));
    EXPECT_GE(q8.row_bytes, q8.scaled_sum_offset + cols / 32 * sizeof(float));
    const EncodedLayout q8k = encoded_layout(Activation::kQ8K, cols);
    EXPECT_GE(q8k.scale_offset, cols);
    EXPECT_GE(q8k.sum_offset, q8k.scale_offset + cols / 256 * sizeof(float));
    EXPECT_GE(q8k.row_bytes, q8k.sum_offset + cols / 16 * sizeof(int16_t));
    for (const EncodedLayout& layout : {q8, q8k}) {
      EXPECT_EQ(layout.scale_offset % 64, 0U);
      EXPECT_EQ(layout.sum_offset % 64, 0U);
      EXPECT_EQ(layout.scaled_sum_offset % 64, 0U);
      EXPECT_EQ(layout.row_bytes % 64, 0U);
    }
  }
  EXPECT_GE(encoded_layout(Activation::kF32, 7).row_bytes, 7 * sizeof(float));
}

TEST(ActivationPlain, RowsStayAsTheyAre) {
  const std::vector<float> x{1.0F, -2.5F, 3e-40F};
  std::vector<std::byte> row(encoded_layout(Activation::kF32, x.size()).row_bytes);
  encode_activation(Activation::kF32, x.data(), x.size(), row.data());
  EXPECT_EQ(std::memcmp(row.data(), x.data(), x.size() * sizeof(float)), 0);
}

}  // namespace
}  // namespace kinglet::quant
