// Q5_1: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"

namespace kinglet::quant {

/// 32 elements: d code + m.
struct BlockQ5_1 {
  uint16_t d;
  uint16_t m;
  uint8_t high[4];
  uint8_t codes[16];
};
static_assert(sizeof(BlockQ5_1) == 24);

Format q5_1() noexcept;

}  // namespace kinglet::quant
