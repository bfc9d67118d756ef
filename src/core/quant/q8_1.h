// Q8_1: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"

namespace kinglet::quant {

/// 32 activations: d code; s = d times the sum of the codes.
struct BlockQ8_1 {
  uint16_t d;
  uint16_t s;
  int8_t codes[32];
};
static_assert(sizeof(BlockQ8_1) == 36);

Format q8_1() noexcept;

}  // namespace kinglet::quant
