// All formats against the Python package gguf (tests/golden/quant, written by tools/make_quant_goldens), and the K
// formats' encoders beside llama.cpp's.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

#include "core/quant/float16.h"
#include "core/quant/golden_files.h"
#include "core/quant/q8_1.h"
#include "core/quant/q8_k.h"
#include "core/quant/quant.h"

namespace kinglet::quant {
namespace {

std::vector<std::byte> encoded(const Format& format, std::span<const float> values, const float* importance = nullptr) {
  std::vector<std::byte> blocks(format.row_bytes(values.size()));
  format.encode(values.data(), importance, blocks.data(), values.size());
  return blocks;
}

std::vector<float> decoded(const Format& format, const std::vector<std::byte>& blocks, size_t n) {
  std::vector<float> values(n);
  format.decode(blocks.data(), values.data(), n);
  return values;
}

TEST(Formats, TheListIsSound) {
  std::set<std::string_view> names;
  std::set<uint32_t> ids;
  for (const Format& format : formats()) {
    EXPECT_TRUE(names.insert(format.name).second) << format.name;
    EXPECT_TRUE(ids.insert(format.gguf_id).second) << format.name;
    EXPECT_EQ(find_by_name(format.name), &format);
    EXPECT_EQ(find_by_gguf_id(format.gguf_id), &format);
    EXPECT_EQ(&formats()[index_of(format)], &format);
    EXPECT_NE(format.decode, nullptr) << format.name;
    // Whole blocks of weights meet whole blocks of activations.
    const size_t of_activation = format.activation == Activation::kQ8    ? 32
                                 : format.activation == Activation::kQ8K ? 256
                                                                         : 1;
    EXPECT_EQ(format.block_len % of_activation, 0U) << format.name;
  }
  EXPECT_EQ(find_by_name("q4_k"), find_by_name("Q4_K"));
  EXPECT_EQ(find_by_name("Q4"), nullptr);
  EXPECT_EQ(find_by_gguf_id(4), nullptr) << "a type that was removed from the field";
}

class GoldenDecode : public testing::TestWithParam<const char*> {};

TEST_P(GoldenDecode, IsBitExact) {
  const Format& format = *find_by_name(GetParam());
  const auto golden = golden_bytes(std::getenv("KINGLET_SOURCE"), str(format.name, ".decode"));
  const size_t n_blocks = golden.size() / (format.block_bytes + format.block_len * sizeof(float));
  ASSERT_EQ(n_blocks * (format.block_bytes + format.block_len * sizeof(float)), golden.size());
  ASSERT_GE(n_blocks, 20U);
  const size_t n = n_blocks * format.block_len;
  const auto want = golden_floats(golden, n_blocks * format.block_bytes, n);
  const auto got = decoded(format, golden, n);
  for (size_t i = 0; i < n; ++i) {
    ASSERT_EQ(f32_to_bits(got[i]), f32_to_bits(want[i]))
        << "block " << i / format.block_len << ", element " << i % format.block_len;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, GoldenDecode,
                         testing::Values("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K",
                                         "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S", "IQ4_NL",
                                         "IQ4_XS", "TQ1_0", "TQ2_0", "MXFP4", "NVFP4"),
                         [](const auto& format) { return std::string(format.param); });

class GoldenEncode : public testing::TestWithParam<const char*> {};

TEST_P(GoldenEncode, IsBitExact) {
  const Format& format = *find_by_name(GetParam());
  const auto golden = golden_bytes(std::getenv("KINGLET_SOURCE"), str(format.name, ".encode"));
  const size_t n_blocks = golden.size() / (format.block_bytes + format.block_len * sizeof(float));
  const size_t n = n_blocks * format.block_len;
  ASSERT_GE(n, 25 * 32U);
  const auto values = golden_floats(golden, 0, n);
  const auto got = encoded(format, values);
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i], golden[n * sizeof(float) + i])
        << "block " << i / format.block_bytes << ", byte " << i % format.block_bytes;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, GoldenEncode, testing::Values("F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"),
                         [](const auto& format) { return std::string(format.param); });

TEST(Formats, PlainNumbers) {
  const std::vector<float> values{0.0F, -0.0F, 1.5F, -3.25e-40F, 3.4e38F};
  EXPECT_EQ(decoded(*find_by_name("F32"), encoded(*find_by_name("F32"), values), values.size()), values);
  const int16_t shorts[] = {-32768, 0, 32767};
  std::vector<std::byte> bytes(sizeof(shorts));
  std::memcpy(bytes.data(), shorts, sizeof(shorts));
  EXPECT_EQ(decoded(*find_by_name("I16"), bytes, 3), (std::vector<float>{-32768.0F, 0.0F, 32767.0F}));
  const double doubles[] = {0.1, -1e300};
  bytes.resize(sizeof(doubles));
  std::memcpy(bytes.data(), doubles, sizeof(doubles));
  EXPECT_EQ(decoded(*find_by_name("F64"), bytes, 2), (std::vector<float>{0.1F, -HUGE_VALF}));
}

/// Plain root mean square error by format and source, as llama.cpp's quantizer has it.
std::map<std::pair<std::string, std::string>, double> peer_errors() {
  std::map<std::pair<std::string, std::string>, double> errors;
  const auto golden = golden_bytes(std::getenv("KINGLET_SOURCE"), "peer_rmse.txt");
  std::istringstream lines(std::string(reinterpret_cast<const char*>(golden.data()), golden.size()));
  std::string format;
  std::string source;
  double error = 0;
  while (lines >> format >> source >> error) errors[{format, source}] = error;
  return errors;
}

TEST(Formats, EncodersAreNotWorseThanThePeer) {
  const auto peer = peer_errors();
  const auto golden = golden_bytes(std::getenv("KINGLET_SOURCE"), "weights.f32");
  constexpr size_t kRows = 8;
  const std::array sources{"normal", "laplace", "student_t4", "columns", "outliers"};
  ASSERT_EQ(golden.size(), sources.size() * kRows * 256 * sizeof(float));
  std::printf("%-6s %-12s %12s %12s %8s\n", "format", "weights", "rmse", "llama.cpp", "ratio");
  for (const char* name : {"Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ3_XXS", "IQ3_S", "IQ4_NL", "IQ4_XS", "TQ1_0",
                           "TQ2_0", "MXFP4", "NVFP4"}) {
    const Format& format = *find_by_name(name);
    for (size_t s = 0; s < sources.size(); ++s) {
      const size_t n = kRows * 256;
      const auto values = golden_floats(golden, s * n * sizeof(float), n);
      const auto got = decoded(format, encoded(format, values), n);
      double square = 0;
      for (size_t i = 0; i < n; ++i)
        square += std::pow(static_cast<double>(got[i]) - static_cast<double>(values[i]), 2);
      const double error = std::sqrt(square / static_cast<double>(n));
      const double of_peer = peer.at({name, sources[s]});
      std::printf("%-6s %-12s %12.5e %12.5e %8.4f\n", name, sources[s], error, of_peer, error / of_peer);
      EXPECT_LE(error, of_peer * (1 + 1e-6)) << name << " " << sources[s];  // of the digits in the file
    }
  }
}

/// Rows that any file could hold: tiny, huge, and so far apart that their range is no number.
std::vector<std::vector<float>> extreme_rows() {
  std::vector<std::vector<float>> rows;
  for (const float scale : {1e-45F, 1e-41F, 2e-38F, 1e-7F, 1e5F, 1e37F, 3e38F}) {
    std::vector<float> row(256);
    for (size_t i = 0; i < row.size(); ++i)
      row[i] = (i % 3 == 0 ? -1.0F : 1.0F) * scale * (1.0F - 0.003F * static_cast<float>(i));
    rows.push_back(row);
  }
  rows.emplace_back(256, 0.0F);
  rows.emplace_back(256, -3e38F);
  rows.push_back(std::vector<float>(256, 1e-40F));
  rows.back()[77] = 3e38F;
  return rows;
}

TEST(Formats, ExtremeValuesAreEncoded) {
  for (const Format& format : formats()) {
    if (format.encode == nullptr) continue;
    for (const auto& row : extreme_rows()) {
      const auto got = decoded(format, encoded(format, row), row.size());
      // A scale of f16 is infinite over 65504 and 0 under 2^-25; in between errors stay below the range of a block.
      float low = 0.0F;
      float high = 0.0F;
      for (const float x : row) low = std::min(low, x), high = std::max(high, x);
      if (high - low > 60000.0F || high - low < 1e-3F) continue;
      for (size_t i = 0; i < row.size(); ++i)
        EXPECT_LE(std::abs(got[i] - row[i]), high - low) << format.name << " " << i;
    }
    EXPECT_EQ(decoded(format, encoded(format, extreme_rows()[7]), 256), std::vector<float>(256, 0.0F)) << format.name;
  }
}

TEST(Formats, ImportanceMovesErrorAwayFromWhatMatters) {
  const auto golden = golden_bytes(std::getenv("KINGLET_SOURCE"), "weights.f32");
  const auto values = golden_floats(golden, 0, 8 * 256);
  std::vector<float> importance(values.size(), 0.01F);
  for (size_t i = 0; i < importance.size(); i += 5) importance[i] = 10.0F;
  for (const char* name :
       {"Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ3_XXS", "IQ3_S", "IQ4_NL", "IQ4_XS", "MXFP4", "NVFP4"}) {
    const Format& format = *find_by_name(name);
    const auto weighed_error = [&](const std::vector<std::byte>& blocks) {
      const auto got = decoded(format, blocks, values.size());
      double error = 0;
      for (size_t i = 0; i < values.size(); ++i) {
        error += static_cast<double>(importance[i]) * std::pow(static_cast<double>(got[i] - values[i]), 2);
      }
      return error;
    };
    EXPECT_LT(weighed_error(encoded(format, values, importance.data())), 0.95 * weighed_error(encoded(format, values)))
        << name;
  }
}

TEST(Formats, ActivationBlocksOfTheField) {
  std::vector<float> values(256);
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i)) * 3.0F;
  values[200] = 4.0F;
  std::vector<std::byte> blocks = encoded(*find_by_name("Q8_1"), values);
  for (size_t b = 0; b < 8; ++b) {
    const auto block = golden_value<BlockQ8_1>(blocks, b * sizeof(BlockQ8_1));
    float peak = 0;
    int sum = 0;
    for (size_t i = 0; i < 32; ++i) peak = std::max(peak, std::abs(values[b * 32 + i]));
    for (size_t i = 0; i < 32; ++i) {
      const double code = static_cast<double>(values[b * 32 + i]) * 127.0 / static_cast<double>(peak);
      EXPECT_EQ(block.codes[i], std::lround(code)) << b << " " << i;
      sum += block.codes[i];
    }
    EXPECT_EQ(block.d, f32_to_f16(peak / 127.0F));
    EXPECT_EQ(block.s, f32_to_f16(peak / 127.0F * static_cast<float>(sum)));
  }
  blocks = encoded(*find_by_name("Q8_K"), values);
  const auto block = golden_value<BlockQ8K>(blocks, 0);
  EXPECT_EQ(block.codes[200], -127) << "the largest one has the sign of the lowest code";
  EXPECT_FLOAT_EQ(block.d, -4.0F / 127.0F);
  for (size_t g = 0; g < 16; ++g) {
    int sum = 0;
    for (size_t i = 0; i < 16; ++i) sum += block.codes[g * 16 + i];
    EXPECT_EQ(block.sums[g], sum);
  }
}

}  // namespace
}  // namespace kinglet::quant
