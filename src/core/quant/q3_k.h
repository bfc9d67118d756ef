// Q3_K: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"

namespace kinglet::quant {

/// 256 elements in 16 groups of 16: d (scale - 32) (code - 4). Low two bits as in Q2_K; bit b of high[i] is the third
/// bit of element b * 32 + i. Six-bit scales: low halves in bytes 0..7 (groups 0..7 low nibble, 8..15 high nibble),
/// upper two bits in bytes 8..11 (byte 8 + g % 4, bits 2 (g / 4)).
struct BlockQ3K {
  uint8_t high[32];
  uint8_t codes[64];
  uint8_t scales[12];
  uint16_t d;
};
static_assert(sizeof(BlockQ3K) == 110);

/// The scale of group g of a Q3_K block, 32 taken off: -32..31.
static inline int q3k_scale(const uint8_t* scales, unsigned g) noexcept {
  const unsigned low = g < 8 ? scales[g] & 15U : scales[g - 8] >> 4U;
  const unsigned high = (scales[8 + g % 4] >> (2 * (g / 4))) & 3U;
  return static_cast<int>(low | (high << 4U)) - 32;
}

Format q3_k() noexcept;

}  // namespace kinglet::quant
