// IQ4_XS: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"
#include "core/quant/super_codes.h"

namespace kinglet::quant {

/// 256 elements: d (scale - 32) kValuesIQ4[code] in groups of 32 that lie as in IQ4_NL. A scale has a nibble of
/// scales_low (the even one low) and two bits of scales_high.
struct BlockIQ4XS {
  uint16_t d;
  uint16_t scales_high;
  uint8_t scales_low[4];
  uint8_t codes[128];
};
static_assert(sizeof(BlockIQ4XS) == 136);

SuperCodes unpacked(const BlockIQ4XS& block) noexcept;

Format iq4_xs() noexcept;

}  // namespace kinglet::quant
