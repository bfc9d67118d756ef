// Q5_0: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"

namespace kinglet::quant {

/// 32 elements: d (code - 16). Low four bits as in Q4_0; bit i of high is the fifth bit of element i.
struct BlockQ5_0 {
  uint16_t d;
  uint8_t high[4];
  uint8_t codes[16];
};
static_assert(sizeof(BlockQ5_0) == 22);

Format q5_0() noexcept;

}  // namespace kinglet::quant
