// IQ2_XS: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"
#include "core/quant/super_codes.h"

namespace kinglet::quant {

/// 256 elements: d / 8 (2 s + 1) code. A word for each eight codes: nine bits choose them, seven are signs. A nibble s
/// for each 16 elements, the even one low.
struct BlockIQ2XS {
  uint16_t d;
  uint16_t words[32];
  uint8_t scales[8];
};
static_assert(sizeof(BlockIQ2XS) == 74);

SuperCodes unpacked(const BlockIQ2XS& block) noexcept;

Format iq2_xs() noexcept;

}  // namespace kinglet::quant
