#include "core/quant/iq4_nl.h"

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"
#include "core/quant/listed_fit.h"

namespace kinglet::quant {

namespace {

void decode(const BlockIQ4NL& block, float* y) noexcept {
  const float d = f16_to_f32(block.d);
  for (size_t i = 0; i < 16; ++i) {
    y[i] = d * static_cast<float>(kValuesIQ4[block.codes[i] & 15]);
    y[i + 16] = d * static_cast<float>(kValuesIQ4[block.codes[i] >> 4]);
  }
}

void encode(const float* x, const float* importance, BlockIQ4NL& block) noexcept {
  float weights[32];
  uint8_t codes[32];
  fill_fit_weights(x, importance, 32, weights);
  block.d = f32_to_f16(fit_listed_scale(x, weights, 32, kValuesIQ4));
  listed_codes(x, weights, 32, kValuesIQ4, f16_to_f32(block.d), codes);
  pack_halves(codes, 16, block.codes);
}

}  // namespace

Format iq4_nl() noexcept {
  return {"IQ4_NL",
          20,
          32,
          sizeof(BlockIQ4NL),
          Activation::kQ8,
          decode_blocks<BlockIQ4NL, 32, decode>,
          encode_blocks<BlockIQ4NL, 32, encode>};
}

}  // namespace kinglet::quant
