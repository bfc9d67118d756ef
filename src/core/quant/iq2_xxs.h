// IQ2_XXS: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"
#include "core/quant/super_codes.h"

namespace kinglet::quant {

/// 256 elements: d / 8 (2 s + 1) code. Each 32 elements have four words: four bytes that choose eight codes each, then
/// 32 bits: four times seven signs, and s in the upper four.
struct BlockIQ2XXS {
  uint16_t d;
  uint16_t words[32];
};
static_assert(sizeof(BlockIQ2XXS) == 66);

SuperCodes unpacked(const BlockIQ2XXS& block) noexcept;

Format iq2_xxs() noexcept;

}  // namespace kinglet::quant
