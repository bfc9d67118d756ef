// Q6_K: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"

namespace kinglet::quant {

/// 256 elements in 16 groups of 16: d scale (code - 32). For half h (128 elements) and i = 0..31: low[h 64 + i] holds
/// the low nibbles of elements i and i + 64, low[h 64 + 32 + i] those of i + 32 and i + 96; high[h 32 + i] the upper
/// two bits of i, i + 32, i + 64, i + 96 in bits 0, 2, 4, 6.
struct BlockQ6K {
  uint8_t low[128];
  uint8_t high[64];
  int8_t scales[16];
  uint16_t d;
};
static_assert(sizeof(BlockQ6K) == 210);

Format q6_k() noexcept;

}  // namespace kinglet::quant
