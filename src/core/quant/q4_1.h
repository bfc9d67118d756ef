// Q4_1: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"

namespace kinglet::quant {

/// 32 elements: d code + m. Codes as in Q4_0.
struct BlockQ4_1 {
  uint16_t d;
  uint16_t m;
  uint8_t codes[16];
};
static_assert(sizeof(BlockQ4_1) == 20);

Format q4_1() noexcept;

}  // namespace kinglet::quant
