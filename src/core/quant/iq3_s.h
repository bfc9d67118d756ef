// IQ3_S: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"
#include "core/quant/super_codes.h"

namespace kinglet::quant {

/// 256 elements: d (2 s + 1) code. Four codes are chosen by a byte of `low` and a bit of `high`; eight have a byte of
/// signs. A nibble s for each 32 elements, the even one low.
struct BlockIQ3S {
  uint16_t d;
  uint8_t low[64];
  uint8_t high[8];
  uint8_t signs[32];
  uint8_t scales[4];
};
static_assert(sizeof(BlockIQ3S) == 110);

SuperCodes unpacked(const BlockIQ3S& block) noexcept;

Format iq3_s() noexcept;

}  // namespace kinglet::quant
