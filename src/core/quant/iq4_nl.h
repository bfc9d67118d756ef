// IQ4_NL: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/format.h"

namespace kinglet::quant {

/// What the codes stand for: closer steps around 0.
inline constexpr int8_t kValuesIQ4[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// 32 elements: d kValuesIQ4[code]. Byte i: element i in the low half, element i + 16 in the high half.
struct BlockIQ4NL {
  uint16_t d;
  uint8_t codes[16];
};
static_assert(sizeof(BlockIQ4NL) == 18);

Format iq4_nl() noexcept;

}  // namespace kinglet::quant
