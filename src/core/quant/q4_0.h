// Q4_0: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"

namespace kinglet::quant {

/// 32 elements: d (code - 8). Byte i: element i in the low half, element i + 16 in the high half.
struct BlockQ4_0 {
  uint16_t d;
  uint8_t codes[16];
};
static_assert(sizeof(BlockQ4_0) == 18);

Format q4_0() noexcept;

}  // namespace kinglet::quant
