// IQ2_S: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"
#include "core/quant/super_codes.h"

namespace kinglet::quant {

/// 256 elements: d / 8 (2 s + 1) code. Eight codes are chosen by a byte of `low` and two bits of `high`, and have a
/// byte of signs. A nibble s for each 16 elements, the even one low.
struct BlockIQ2S {
  uint16_t d;
  uint8_t low[32];
  uint8_t signs[32];
  uint8_t high[8];
  uint8_t scales[8];
};
static_assert(sizeof(BlockIQ2S) == 82);

SuperCodes unpacked(const BlockIQ2S& block) noexcept;

Format iq2_s() noexcept;

}  // namespace kinglet::quant
