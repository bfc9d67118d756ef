// IQ1_S: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"
#include "core/quant/super_codes.h"

namespace kinglet::quant {

/// 256 elements: d (2 s + 1) (code +- 1/8), code -1, 0 or 1. A byte of `low` and three bits of `high` choose eight
/// codes; a word of `high` is for 32 elements: four times three bits, s in three, and in the top bit whether the eighth
/// is taken off.
struct BlockIQ1S {
  uint16_t d;
  uint8_t low[32];
  uint16_t high[8];
};
static_assert(sizeof(BlockIQ1S) == 50);

SuperCodes unpacked(const BlockIQ1S& block) noexcept;

Format iq1_s() noexcept;

}  // namespace kinglet::quant
