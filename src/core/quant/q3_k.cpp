#include "core/quant/q3_k.h"

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"
#include "core/quant/k_encode.inl.h"

namespace kinglet::quant {
namespace {

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

}  // namespace

Format q3_k() noexcept {
  return {"Q3_K",
          11,
          256,
          sizeof(BlockQ3K),
          Activation::kQ8K,
          decode_blocks<BlockQ3K, 256, decode>,
          encode_blocks<BlockQ3K, 256, encode_k<Lanes<16>>>};
}

}  // namespace kinglet::quant
