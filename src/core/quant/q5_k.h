// Q5_K: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"
#include "core/quant/q4_k.h"

namespace kinglet::quant {

/// As Q4_K with a fifth bit: bit g of high[i] belongs to element g * 32 + i.
struct BlockQ5K {
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t high[32];
  uint8_t codes[128];
};
static_assert(sizeof(BlockQ5K) == 176);

Format q5_k() noexcept;

}  // namespace kinglet::quant
