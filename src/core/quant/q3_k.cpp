#include "core/quant/q3_k.h"

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"
#include "core/quant/scale_search.h"

namespace kinglet::quant {
namespace {

constexpr size_t kGroups = 16;
constexpr size_t kGroupLen = 16;

void decode(const BlockQ3K& block, float* y) noexcept {
  const float d = f16_to_f32(block.d);
  for (size_t i = 0; i < 256; ++i) {
    const int low = (block.codes[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2)) & 3;
    const int high = (block.high[i % 32] >> (i / 32)) & 1;
    const float scale = d * static_cast<float>(q3k_scale(block.scales, static_cast<unsigned>(i / kGroupLen)));
    y[i] = scale * static_cast<float>((low | (high << 2)) - 4);
  }
}

void encode(const float* x, const float* importance, BlockQ3K& block) noexcept {
  block = {};
  float weights[256];
  float scales[kGroups];
  block_weights(x, importance, 256, kGroupLen, weights);
  for (size_t g = 0; g < kGroups; ++g) {
    scales[g] = fit_symmetric_scale(x + g * kGroupLen, weights + g * kGroupLen, kGroupLen, 4);
  }
  SymmetricChoice choice = pack_symmetric_scales(x, weights, scales, kGroups, kGroupLen, 4, 32);
  block.d = choice.d;
  for (size_t g = 0; g < kGroups; ++g) {
    const auto code = static_cast<unsigned>(choice.scales[g] + 32);
    block.scales[g % 8] = static_cast<uint8_t>(block.scales[g % 8] | ((code & 15U) << (g < 8 ? 0U : 4U)));
    block.scales[8 + g % 4] = static_cast<uint8_t>(block.scales[8 + g % 4] | ((code >> 4U) << (2 * (g / 4))));
  }
  for (size_t i = 0; i < 256; ++i) {
    const auto code = static_cast<unsigned>(choice.codes[i] + 4);
    uint8_t& low = block.codes[i / 128 * 32 + i % 32];
    low = static_cast<uint8_t>(low | ((code & 3U) << (i % 128 / 32 * 2)));
    block.high[i % 32] = static_cast<uint8_t>(block.high[i % 32] | ((code >> 2U) << (i / 32)));
  }
}

}  // namespace

Format q3_k() noexcept {
  return {"Q3_K",
          11,
          256,
          sizeof(BlockQ3K),
          Activation::kQ8K,
          decode_blocks<BlockQ3K, 256, decode>,
          encode_blocks<BlockQ3K, 256, encode>};
}

}  // namespace kinglet::quant
