#include "core/quant/iq3_xxs.h"

#include <algorithm>
#include <cmath>

#include "core/quant/block_rows.h"
#include "core/quant/codebooks.h"
#include "core/quant/float16.h"
#include "core/quant/listed_fit.h"
#include "core/quant/point_fit.h"

namespace kinglet::quant {

SuperCodes unpacked(const BlockIQ3XXS& block) noexcept {
  SuperCodes super;
  super.d = f16_to_f32(block.d) * 0.25F;
  for (size_t g = 0; g < 8; ++g) {
    const uint32_t packed = block.words[2 * g] | (static_cast<uint32_t>(block.words[2 * g + 1]) << 16U);
    super.scales[2 * g] = super.scales[2 * g + 1] = static_cast<int8_t>(2 * (packed >> 28U) + 1);
    for (size_t i = 0; i < 8; ++i) {
      const unsigned signs = even_signs((packed >> (7 * (i / 2))) & 127U) >> (4 * (i % 2));
      signed_codes(kGridIQ3XXS[block.points[g * 8 + i]], signs, super.codes + g * 32 + i * 4);
    }
  }
  return super;
}

namespace {

// Magnitudes of eight values and their seven signs: where an odd number is negative, the value that matters least
// changes its sign, and so wants the smallest code.
unsigned split_signs(const float* x, const float* weights, float* magnitudes) noexcept {
  unsigned signs = 0;
  size_t least = 0;
  for (size_t i = 0; i < 8; ++i) {
    if (x[i] < 0.0F) signs |= 1U << i;
    magnitudes[i] = std::abs(x[i]);
    if (weights[i] * x[i] * x[i] < weights[least] * x[least] * x[least]) least = i;
  }
  if (__builtin_parity(signs) != 0) {
    signs ^= 1U << least;
    magnitudes[least] = -magnitudes[least];
  }
  return signs & 127U;
}

void encode(const float* x, const float* importance, BlockIQ3XXS& block) noexcept {
  block = {};
  float weights[256];
  float magnitudes[256];
  uint32_t signs[8] = {};
  float scales[8];
  fill_fit_weights(x, importance, 256, weights);
  for (size_t g = 0; g < 8; ++g) {
    for (size_t i = 0; i < 4; ++i) {
      const size_t at = g * 32 + i * 8;
      signs[g] |= split_signs(x + at, weights + at, magnitudes + at) << (7 * i);
    }
    scales[g] = fit_point_scale(magnitudes + g * 32, weights + g * 32, kGridIQ3XXS, 62.0F);
  }
  block.d = f32_to_f16(*std::max_element(scales, scales + 8) * (4.0F / 31.0F));
  const float d = f16_to_f32(block.d) * 0.25F;
  const float inverse = inverse_of(d);
  for (size_t g = 0; g < 8; ++g) {
    const int middle = whole(scales[g] * inverse * 0.5F, 15);
    double least = HUGE_VAL;
    unsigned best = 0;
    for (int step = std::max(middle - 1, 0); step <= std::min(middle + 1, 15); ++step) {
      const PointChoice choice =
          nearest_points(magnitudes + g * 32, weights + g * 32, kGridIQ3XXS, d * static_cast<float>(2 * step + 1));
      if (!(choice.error < least)) continue;
      least = choice.error;
      best = static_cast<unsigned>(step);
      std::copy_n(choice.points, 8, block.points + g * 8);
    }
    const uint32_t packed = signs[g] | (best << 28U);
    block.words[2 * g] = static_cast<uint16_t>(packed);
    block.words[2 * g + 1] = static_cast<uint16_t>(packed >> 16U);
  }
}

}  // namespace

Format iq3_xxs() noexcept {
  return {"IQ3_XXS",
          18,
          256,
          sizeof(BlockIQ3XXS),
          Activation::kQ8K,
          decode_blocks<BlockIQ3XXS, 256, decode_super_codes<BlockIQ3XXS>>,
          encode_blocks<BlockIQ3XXS, 256, encode>};
}

}  // namespace kinglet::quant
