#include "core/quant/q5_k.h"

#include <algorithm>

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"
#include "core/quant/scale_search.h"

namespace kinglet::quant {
namespace {

constexpr size_t kGroups = 8;
constexpr size_t kGroupLen = 32;

void decode(const BlockQ5K& block, float* y) noexcept {
  const float d = f16_to_f32(block.d);
  const float dmin = f16_to_f32(block.dmin);
  for (size_t g = 0; g < kGroups; ++g) {
    const ScaleMin packed = scale_min(block.scales, static_cast<unsigned>(g));
    const float scale = d * static_cast<float>(packed.scale);
    const float minimum = dmin * static_cast<float>(packed.minimum);
    for (size_t i = 0; i < kGroupLen; ++i) {
      const int low = (block.codes[g / 2 * 32 + i] >> (g % 2 * 4)) & 15;
      const int code = low | (((block.high[i] >> g) & 1) << 4);
      y[g * kGroupLen + i] = scale * static_cast<float>(code) - minimum;
    }
  }
}

void encode(const float* x, const float* importance, BlockQ5K& block) noexcept {
  block = {};
  const SixBitGroups groups = fit_six_bit_groups(x, importance, 31);
  block.d = groups.d;
  block.dmin = groups.dmin;
  std::copy_n(groups.packed, sizeof(block.scales), block.scales);
  for (size_t i = 0; i < 256; ++i) {
    uint8_t& low = block.codes[i / 64 * 32 + i % 32];
    low = static_cast<uint8_t>(low | ((groups.codes[i] & 15) << (i / 32 % 2 * 4)));
    block.high[i % 32] = static_cast<uint8_t>(block.high[i % 32] | ((groups.codes[i] >> 4) << (i / 32)));
  }
}

}  // namespace

Format q5_k() noexcept {
  return {"Q5_K",
          13,
          256,
          sizeof(BlockQ5K),
          Activation::kQ8K,
          decode_blocks<BlockQ5K, 256, decode>,
          encode_blocks<BlockQ5K, 256, encode>};
}

}  // namespace kinglet::quant
