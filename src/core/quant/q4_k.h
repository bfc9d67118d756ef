// Q4_K: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"

namespace kinglet::quant {

/// 256 elements in 8 groups of 32: d scale code - dmin minimum, scale and minimum of six bits packed in 12 bytes
/// (scale_min). Byte p * 32 + i: element p * 64 + i in the low half, p * 64 + 32 + i in the high half, p = 0..3.
struct BlockQ4K {
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t codes[128];
};
static_assert(sizeof(BlockQ4K) == 144);

struct ScaleMin {
  uint8_t scale;
  uint8_t minimum;
};

/// Scale and minimum (six bits each) of group g of a Q4_K or Q5_K block.
static inline ScaleMin scale_min(const uint8_t* scales, unsigned g) noexcept {
  if (g < 4) return {static_cast<uint8_t>(scales[g] & 63U), static_cast<uint8_t>(scales[g + 4] & 63U)};
  const unsigned halves = scales[g + 4];
  const unsigned of_scale = scales[g - 4];
  const unsigned of_minimum = scales[g];
  return {static_cast<uint8_t>((halves & 15U) | (of_scale >> 6U << 4U)),
          static_cast<uint8_t>((halves >> 4U) | (of_minimum >> 6U << 4U))};
}

Format q4_k() noexcept;

}  // namespace kinglet::quant
