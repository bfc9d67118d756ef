// Every table encodes weights to the bytes of the format's reference.
#include <gtest/gtest.h>

#include <vector>

#include "core/kernels/select.h"

namespace kinglet::kernels {
namespace {

// Rows of many kinds: flat ones, spikes, tiny and large, one sign.
std::vector<float> samples(size_t n) {
  std::vector<float> values(n);
  uint64_t state = 1;
  for (size_t i = 0; i < n; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const float unit = static_cast<float>(state >> 40U) * 0x1p-24F - 0.5F;
    switch (i / 256 % 7) {
      case 0:
        values[i] = unit;
        break;
      case 1:
        values[i] = i % 37 == 0 ? 20.0F * unit : unit;
        break;
      case 2:
        values[i] = unit * 1e-6F;
        break;
      case 3:
        values[i] = 3.0F + unit;
        break;
      case 4:
        values[i] = i % 16 < 8 ? 0.0F : unit;
        break;
      case 5:
        values[i] = 0.0F;
        break;
      default:
        values[i] = unit * unit * unit * 1e4F;
    }
  }
  return values;
}

TEST(WeightEncoders, GiveTheSameBytesInEveryTable) {
  constexpr size_t kN = 256 * 70;
  const std::vector<float> values = samples(kN);
  std::vector<float> importance(kN);
  for (size_t i = 0; i < kN; ++i) importance[i] = 0.01F + static_cast<float>(i % 97);
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kNeon}) {
    const auto table = select(detect(), isa);
    if (!table) continue;
    for (const quant::Format& format : quant::formats()) {
      const EncodeWeightsFn encode = table->encode_weights[quant::index_of(format)];
      ASSERT_EQ(encode == nullptr, format.encode == nullptr) << format.name;
      if (encode == nullptr) continue;
      for (const float* weights : {static_cast<const float*>(nullptr), static_cast<const float*>(importance.data())}) {
        std::vector<std::byte> expected(format.row_bytes(kN));
        std::vector<std::byte> found(format.row_bytes(kN));
        format.encode(values.data(), weights, expected.data(), kN);
        encode(values.data(), weights, found.data(), kN);
        EXPECT_EQ(found, expected) << table->name << " " << format.name;
      }
    }
  }
}

}  // namespace
}  // namespace kinglet::kernels
