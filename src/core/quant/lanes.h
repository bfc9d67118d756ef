// Sixteen floats side by side, in registers of the width that an instruction set has. Every lane computes what scalar
// code would, so that results do not depend on the width. Internal linkage and no library: kernels may include it.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace kinglet::quant {
namespace {

/// kBytes: of a register, 16, 32 or 64.
template <size_t kBytes>
struct Lanes {
  typedef float Register __attribute__((vector_size(kBytes)));
  typedef int32_t Truths __attribute__((vector_size(kBytes)));
  static constexpr size_t kLanes = 16;
  static constexpr size_t kParts = 64 / kBytes;

  struct Mask {
    Truths parts[kParts];
  };
  Register parts[kParts];

  [[gnu::always_inline]] static inline Lanes set(float x) noexcept {
    Lanes lanes;
    for (size_t i = 0; i < kParts; ++i) lanes.parts[i] = Register{} + x;
    return lanes;
  }
  /// 0, 1, ... 15.
  [[gnu::always_inline]] static inline Lanes count() noexcept {
    float numbers[kLanes];
    for (size_t i = 0; i < kLanes; ++i) numbers[i] = static_cast<float>(i);
    return load(numbers);
  }
  [[gnu::always_inline]] static inline Lanes load(const float* from) noexcept {
    Lanes lanes;
    __builtin_memcpy(lanes.parts, from, 64);
    return lanes;
  }
  [[gnu::always_inline]] inline void store(float* to) const noexcept { __builtin_memcpy(to, parts, 64); }

#define KINGLET_LANES_OPERATOR(op)                                                                  \
  [[gnu::always_inline]] friend inline Lanes operator op(const Lanes& a, const Lanes& b) noexcept { \
    Lanes result;                                                                                   \
    for (size_t i = 0; i < kParts; ++i) result.parts[i] = a.parts[i] op b.parts[i];                 \
    return result;                                                                                  \
  }
  KINGLET_LANES_OPERATOR(+)
  KINGLET_LANES_OPERATOR(-)
  KINGLET_LANES_OPERATOR(*)
  KINGLET_LANES_OPERATOR(/)
#undef KINGLET_LANES_OPERATOR

  [[gnu::always_inline]] friend inline Mask operator<(const Lanes& a, const Lanes& b) noexcept {
    Mask result;
    for (size_t i = 0; i < kParts; ++i) result.parts[i] = a.parts[i] < b.parts[i];
    return result;
  }
};

/// Where the mask is true, a; else b.
template <size_t kBytes>
[[gnu::always_inline]] inline Lanes<kBytes> choose(const typename Lanes<kBytes>::Mask& mask, const Lanes<kBytes>& a,
                                                   const Lanes<kBytes>& b) noexcept {
  Lanes<kBytes> result;
  for (size_t i = 0; i < Lanes<kBytes>::kParts; ++i) result.parts[i] = mask.parts[i] ? a.parts[i] : b.parts[i];
  return result;
}

/// x within [low, high]; low where x is no number.
template <size_t kBytes>
[[gnu::always_inline]] inline Lanes<kBytes> clamped(const Lanes<kBytes>& x, const Lanes<kBytes>& low,
                                                    const Lanes<kBytes>& high) noexcept {
  const Lanes<kBytes> above = choose(low < x, x, low);
  return choose(above < high, above, high);
}

/// To the nearest whole number, ties to even; |x| < 2^22.
template <size_t kBytes>
[[gnu::always_inline]] inline Lanes<kBytes> rounded(const Lanes<kBytes>& x) noexcept {
  const auto magic = Lanes<kBytes>::set(12582912.0F);  // 1.5 * 2^23: the adder rounds at the ones
  return (x + magic) - magic;
}

}  // namespace
}  // namespace kinglet::quant
