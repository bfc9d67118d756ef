#include "core/quant/iq4_xs.h"

#include <algorithm>
#include <cmath>

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"
#include "core/quant/iq4_nl.h"
#include "core/quant/listed_fit.h"

namespace kinglet::quant {

SuperCodes unpacked(const BlockIQ4XS& block) noexcept {
  SuperCodes super;
  super.d = f16_to_f32(block.d);
  for (size_t g = 0; g < 8; ++g) {
    const int low = (block.scales_low[g / 2] >> (4 * (g % 2))) & 15;
    const int high = (block.scales_high >> (2 * g)) & 3;
    super.scales[2 * g] = super.scales[2 * g + 1] = static_cast<int8_t>((low | (high << 4)) - 32);
    for (size_t i = 0; i < 16; ++i) {
      const unsigned byte = block.codes[g * 16 + i];
      super.codes[g * 32 + i] = kValuesIQ4[byte & 15U];
      super.codes[g * 32 + 16 + i] = kValuesIQ4[byte >> 4U];
    }
  }
  return super;
}

namespace {

void encode(const float* x, const float* importance, BlockIQ4XS& block) noexcept {
  block = {};
  float weights[256];
  float scales[8];
  fill_fit_weights(x, importance, 256, weights);
  for (size_t g = 0; g < 8; ++g) scales[g] = fit_listed_scale(x + 32 * g, weights + 32 * g, 32, kValuesIQ4);
  // The side with one step more serves the scale of largest magnitude.
  block.d = f32_to_f16(signed_peak(scales, 8) / -32.0F);
  const float d = f16_to_f32(block.d);
  const float inverse = inverse_of(d);
  for (size_t g = 0; g < 8; ++g) {
    const int middle = static_cast<int>(std::lrint(std::clamp(scales[g] * inverse, -32.0F, 31.0F)));
    int best = 0;
    double least = HUGE_VAL;
    uint8_t best_codes[32] = {};
    for (int step = std::max(middle - 1, -32); step <= std::min(middle + 1, 31); ++step) {
      uint8_t codes[32];
      const double error =
          listed_codes(x + 32 * g, weights + 32 * g, 32, kValuesIQ4, d * static_cast<float>(step), codes);
      if (!(error < least)) continue;
      least = error;
      best = step;
      std::copy_n(codes, 32, best_codes);
    }
    pack_halves(best_codes, 16, block.codes + 16 * g);
    const auto packed = static_cast<unsigned>(best + 32);
    block.scales_low[g / 2] = static_cast<uint8_t>(block.scales_low[g / 2] | ((packed & 15U) << (4 * (g % 2))));
    block.scales_high = static_cast<uint16_t>(block.scales_high | ((packed >> 4U) << (2 * g)));
  }
}

}  // namespace

Format iq4_xs() noexcept {
  return {"IQ4_XS",
          23,
          256,
          sizeof(BlockIQ4XS),
          Activation::kQ8K,
          decode_blocks<BlockIQ4XS, 256, decode_super_codes<BlockIQ4XS>>,
          encode_blocks<BlockIQ4XS, 256, encode>};
}

}  // namespace kinglet::quant
