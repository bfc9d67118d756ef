#include "core/quant/q8_1.h"

#include <cmath>

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"

namespace kinglet::quant {
namespace {

void decode(const BlockQ8_1& block, float* y) noexcept {
  const float d = f16_to_f32(block.d);
  for (size_t i = 0; i < 32; ++i) y[i] = static_cast<float>(block.codes[i]) * d;
}

void encode(const float* x, const float* /*importance*/, BlockQ8_1& block) noexcept {
  const float d = std::abs(signed_peak(x, 32)) / 127.0F;
  const float inverse = inverse_of(d);
  block.d = f32_to_f16(d);
  int sum = 0;
  for (size_t i = 0; i < 32; ++i) {
    block.codes[i] = static_cast<int8_t>(std::round(x[i] * inverse));
    sum += block.codes[i];
  }
  block.s = f32_to_f16(d * static_cast<float>(sum));
}

}  // namespace

Format q8_1() noexcept {
  return {"Q8_1",
          9,
          32,
          sizeof(BlockQ8_1),
          Activation::kNone,
          decode_blocks<BlockQ8_1, 32, decode>,
          encode_blocks<BlockQ8_1, 32, encode>};
}

}  // namespace kinglet::quant
