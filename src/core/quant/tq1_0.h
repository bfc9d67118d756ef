// TQ1_0: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"
#include "core/quant/super_codes.h"

namespace kinglet::quant {

/// 256 elements: d (digit - 1). A byte holds digits to base 3 as a fraction of 256, the first digit highest. fives:
/// elements i + 32 k of byte i < 32 and 160 + i + 16 k of byte 32 + i, k < 5; fours: 240 + i + 4 k of byte i, k < 4.
struct BlockTQ1_0 {
  uint8_t fives[48];
  uint8_t fours[4];
  uint16_t d;
};
static_assert(sizeof(BlockTQ1_0) == 54);

SuperCodes unpacked(const BlockTQ1_0& block) noexcept;

Format tq1_0() noexcept;

}  // namespace kinglet::quant
