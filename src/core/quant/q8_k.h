// Q8_K: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"

namespace kinglet::quant {

/// 256 activations: d code, and the sum of each 16 codes.
struct BlockQ8K {
  float d;
  int8_t codes[256];
  int16_t sums[16];
};
static_assert(sizeof(BlockQ8K) == 292);

Format q8_k() noexcept;

}  // namespace kinglet::quant
