// IQ3_XXS: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"
#include "core/quant/super_codes.h"

namespace kinglet::quant {

/// 256 elements: d / 4 (2 s + 1) code. A byte of `points` chooses four codes; two words for each 32 elements: four
/// times seven signs, and s in the upper four bits.
struct BlockIQ3XXS {
  uint16_t d;
  uint8_t points[64];
  uint16_t words[16];
};
static_assert(sizeof(BlockIQ3XXS) == 98);

SuperCodes unpacked(const BlockIQ3XXS& block) noexcept;

Format iq3_xxs() noexcept;

}  // namespace kinglet::quant
