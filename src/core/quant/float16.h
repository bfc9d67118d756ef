// Conversions between f32 and the two 16-bit floats, rounding to nearest even. Plain C headers only, internal linkage:
// any instruction set's kernels may include it.
#pragma once

#include <stdint.h>
#include <string.h>

namespace kinglet::quant {

static inline float bits_to_f32(uint32_t bits) noexcept {
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

static inline uint32_t f32_to_bits(float value) noexcept {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

/// Exact; NaN keeps its upper payload bits and becomes quiet.
static inline float f16_to_f32(uint16_t half) noexcept {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000U) << 16U;
  const uint32_t exponent = (half >> 10U) & 0x1FU;
  const uint32_t fraction = half & 0x3FFU;
  // All three are computed and one is chosen, without a branch, so that loops become vectors.
  const uint32_t normal = ((exponent + 112U) << 23U) | (fraction << 13U);
  const uint32_t special = 0x7F800000U | (fraction << 13U) | (fraction != 0 ? 0x400000U : 0U);
  // fraction * 2^-24, exact in f32
  const uint32_t subnormal = f32_to_bits(static_cast<float>(static_cast<int32_t>(fraction)) * 0x1p-24F);
  return bits_to_f32(sign | (exponent == 0 ? subnormal : exponent == 31 ? special : normal));
}

/// Overflow gives infinity, NaN stays NaN.
static inline uint16_t f32_to_f16(float value) noexcept {
  const uint32_t bits = f32_to_bits(value);
  const auto sign = static_cast<uint16_t>((bits >> 16U) & 0x8000U);
  const uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return static_cast<uint16_t>(sign | 0x7E00U | ((magnitude >> 13U) & 0x3FFU));
  if (magnitude >= 0x47800000U) return static_cast<uint16_t>(sign | 0x7C00U);
  if (magnitude < 0x38800000U) {
    // Subnormal: adding 0.5 makes the f32 adder round at the place of the last bit (half of 2^-24 units).
    const float shifted = bits_to_f32(magnitude) + 0.5F;
    return static_cast<uint16_t>(sign | (f32_to_bits(shifted) - 0x3F000000U));
  }
  const uint32_t odd = (magnitude >> 13U) & 1U;
  return static_cast<uint16_t>(sign | ((magnitude - 0x38000000U + 0xFFFU + odd) >> 13U));
}

static inline float bf16_to_f32(uint16_t brain) noexcept { return bits_to_f32(static_cast<uint32_t>(brain) << 16U); }

static inline uint16_t f32_to_bf16(float value) noexcept {
  const uint32_t bits = f32_to_bits(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<uint16_t>((bits >> 16U) | 0x40U);
  return static_cast<uint16_t>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U);
}

}  // namespace kinglet::quant
