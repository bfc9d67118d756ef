// Q2_K: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"

namespace kinglet::quant {

/// 256 elements in 16 groups of 16: d scale code - dmin minimum. scales[g]: scale in the low half, minimum in the high
/// half. Codes of two bits: byte h * 32 + i of half h holds elements h * 128 + i + 32 j, j = 0..3, in bits 2 j.
struct BlockQ2K {
  uint8_t scales[16];
  uint8_t codes[64];
  uint16_t d;
  uint16_t dmin;
};
static_assert(sizeof(BlockQ2K) == 84);

Format q2_k() noexcept;

}  // namespace kinglet::quant
