#include "core/quant/q4_k.h"

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"
#include "core/quant/k_encode.inl.h"

namespace kinglet::quant {
namespace {

constexpr size_t kGroups = 8;
constexpr size_t kGroupLen = 32;

void decode(const BlockQ4K& block, float* y) noexcept {
  const float d = f16_to_f32(block.d);
  const float dmin = f16_to_f32(block.dmin);
  for (size_t g = 0; g < kGroups; ++g) {
    const ScaleMin packed = scale_min(block.scales, static_cast<unsigned>(g));
    const float scale = d * static_cast<float>(packed.scale);
    const float minimum = dmin * static_cast<float>(packed.minimum);
    for (size_t i = 0; i < kGroupLen; ++i) {
      const int code = (block.codes[g / 2 * 32 + i] >> (g % 2 * 4)) & 15;
      y[g * kGroupLen + i] = scale * static_cast<float>(code) - minimum;
    }
  }
}

}  // namespace

Format q4_k() noexcept {
  return {"Q4_K",
          12,
          256,
          sizeof(BlockQ4K),
          Activation::kQ8K,
          decode_blocks<BlockQ4K, 256, decode>,
          encode_blocks<BlockQ4K, 256, encode_k<Lanes<16>>>};
}

}  // namespace kinglet::quant
