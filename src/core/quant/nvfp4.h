// NVFP4: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/float16.h"
#include "core/quant/format.h"

namespace kinglet::quant {

/// 64 elements in groups of 16: e4m3_half(scale) kValuesE2M1[code]. Byte 8 g + i: element 16 g + i in the low half,
/// element 16 g + 8 + i in the high half.
struct BlockNVFP4 {
  uint8_t scales[4];
  uint8_t codes[32];
};
static_assert(sizeof(BlockNVFP4) == 36);

/// Half of a number with four bits of exponent (bias 7) and three of fraction; the top bit says nothing, and the bits
/// of NaN are 0 here.
inline float e4m3_half(uint8_t bits) noexcept {
  if (bits == 0x7F) return 0.0F;
  const unsigned exponent = (bits >> 3U) & 15U;
  const auto fraction = static_cast<float>(bits & 7U);
  if (exponent == 0) return fraction * 0x1p-10F;
  return (8.0F + fraction) * bits_to_f32((exponent + 116U) << 23U);
}

Format nvfp4() noexcept;

}  // namespace kinglet::quant
