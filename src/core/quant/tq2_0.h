// TQ2_0: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"
#include "core/quant/super_codes.h"

namespace kinglet::quant {

/// 256 elements: d (code - 1). Half h, byte i of its 32: elements 128 h + i, + 32, + 64, + 96, the lowest bits first.
struct BlockTQ2_0 {
  uint8_t codes[64];
  uint16_t d;
};
static_assert(sizeof(BlockTQ2_0) == 66);

/// The codes -1, 0, 1 of 256 values and their scale: the largest magnitude.
float ternary_codes(const float* x, int8_t* codes) noexcept;

SuperCodes unpacked(const BlockTQ2_0& block) noexcept;

Format tq2_0() noexcept;

}  // namespace kinglet::quant
