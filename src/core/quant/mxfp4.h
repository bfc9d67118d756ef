// MXFP4: layout of ggml's format and its descriptor. Scales are f16 bits; elements of a block count from 0.
#pragma once

#include <stdint.h>

#include "core/quant/float16.h"
#include "core/quant/format.h"

namespace kinglet::quant {

/// Twice the numbers of four bits (sign, two bits of exponent, one of fraction).
inline constexpr int8_t kValuesE2M1[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// 32 elements: 2^(exponent - 128) kValuesE2M1[code]. Byte i: element i in the low half, element i + 16 in the high
/// half.
struct BlockMXFP4 {
  uint8_t exponent;
  uint8_t codes[16];
};
static_assert(sizeof(BlockMXFP4) == 17);

/// 2^(exponent - 128), the two smallest of them subnormal.
inline float half_power(uint8_t exponent) noexcept {
  return bits_to_f32(exponent < 2 ? 0x00200000U << exponent : static_cast<uint32_t>(exponent - 1) << 23U);
}

Format mxfp4() noexcept;

}  // namespace kinglet::quant
