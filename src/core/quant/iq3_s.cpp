#include "core/quant/iq3_s.h"

#include <algorithm>
#include <cmath>

#include "core/quant/block_rows.h"
#include "core/quant/codebooks.h"
#include "core/quant/float16.h"
#include "core/quant/listed_fit.h"
#include "core/quant/point_fit.h"

namespace kinglet::quant {

SuperCodes unpacked(const BlockIQ3S& block) noexcept {
  SuperCodes super;
  super.d = f16_to_f32(block.d);
  for (size_t g = 0; g < 16; ++g) {
    super.scales[g] = static_cast<int8_t>(2 * ((block.scales[g / 4] >> (4 * (g / 2 % 2))) & 15) + 1);
  }
  for (size_t i = 0; i < 64; ++i) {
    const unsigned high = (block.high[i / 8] >> (i % 8)) & 1U;
    const unsigned signs = block.signs[i / 2] >> (4 * (i % 2));
    signed_codes(kGridIQ3S[block.low[i] | (high << 8U)], signs, super.codes + i * 4);
  }
  return super;
}

namespace {

void encode(const float* x, const float* importance, BlockIQ3S& block) noexcept {
  block = {};
  float weights[256];
  float magnitudes[256];
  float scales[8];
  fill_fit_weights(x, importance, 256, weights);
  for (size_t i = 0; i < 256; ++i) {
    magnitudes[i] = std::abs(x[i]);
    if (x[i] < 0.0F) block.signs[i / 8] = static_cast<uint8_t>(block.signs[i / 8] | (1U << (i % 8)));
  }
  for (size_t g = 0; g < 8; ++g) {
    scales[g] = fit_point_scale(magnitudes + g * 32, weights + g * 32, kGridIQ3S, 15.0F);
  }
  block.d = f32_to_f16(*std::max_element(scales, scales + 8) / 31.0F);
  const float d = f16_to_f32(block.d);
  const float inverse = inverse_of(d);
  for (size_t g = 0; g < 8; ++g) {
    const int middle = whole(scales[g] * inverse * 0.5F, 15);
    PointChoice best{{}, HUGE_VAL};
    unsigned scale = 0;
    for (int step = std::max(middle - 1, 0); step <= std::min(middle + 1, 15); ++step) {
      const PointChoice choice =
          nearest_points(magnitudes + g * 32, weights + g * 32, kGridIQ3S, d * static_cast<float>(2 * step + 1));
      if (!(choice.error < best.error)) continue;
      best = choice;
      scale = static_cast<unsigned>(step);
    }
    for (size_t i = 0; i < 8; ++i) {
      block.low[g * 8 + i] = static_cast<uint8_t>(best.points[i]);
      block.high[g] = static_cast<uint8_t>(block.high[g] | ((best.points[i] >> 8U) << i));
    }
    block.scales[g / 2] = static_cast<uint8_t>(block.scales[g / 2] | (scale << (4 * (g % 2))));
  }
}

}  // namespace

Format iq3_s() noexcept {
  return {"IQ3_S",
          21,
          256,
          sizeof(BlockIQ3S),
          Activation::kQ8K,
          decode_blocks<BlockIQ3S, 256, decode_super_codes<BlockIQ3S>>,
          encode_blocks<BlockIQ3S, 256, encode>};
}

}  // namespace kinglet::quant
