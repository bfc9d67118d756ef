#include "core/quant/q4_0.h"

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"

namespace kinglet::quant {
namespace {

void decode(const BlockQ4_0& block, float* y) noexcept {
  const float d = f16_to_f32(block.d);
  for (size_t i = 0; i < 16; ++i) {
    y[i] = static_cast<float>((block.codes[i] & 15) - 8) * d;
    y[i + 16] = static_cast<float>((block.codes[i] >> 4) - 8) * d;
  }
}

uint8_t code_of(float x, float inverse) noexcept { return static_cast<uint8_t>(whole(x * inverse + 8.5F, 15)); }

// The element of largest magnitude gets code 0, that is -8.
void encode(const float* x, const float* /*importance*/, BlockQ4_0& block) noexcept {
  const float d = signed_peak(x, 32) / -8.0F;
  const float inverse = inverse_of(d);
  block.d = f32_to_f16(d);
  for (size_t i = 0; i < 16; ++i) {
    block.codes[i] = static_cast<uint8_t>(code_of(x[i], inverse) | (code_of(x[i + 16], inverse) << 4));
  }
}

}  // namespace

Format q4_0() noexcept {
  return {"Q4_0",
          2,
          32,
          sizeof(BlockQ4_0),
          Activation::kQ8,
          decode_blocks<BlockQ4_0, 32, decode>,
          encode_blocks<BlockQ4_0, 32, encode>};
}

}  // namespace kinglet::quant
