// IQ1_M: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"
#include "core/quant/super_codes.h"

namespace kinglet::quant {

/// 256 elements: d (2 s + 1) (code +- 1/8), code -1, 0 or 1. A byte of `low` and three bits of `high` choose eight
/// codes; the fourth bit says whether the eighth is taken off. A word of `scales` is for 64 elements: four times three
/// bits s, and four bits of the f16 d, lowest word first.
struct BlockIQ1M {
  uint8_t low[32];
  uint8_t high[16];
  uint16_t scales[4];
};
static_assert(sizeof(BlockIQ1M) == 56);

SuperCodes unpacked(const BlockIQ1M& block) noexcept;

Format iq1_m() noexcept;

}  // namespace kinglet::quant
