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
    for (size_t i = 0; i < kParts; ++i) lanes.parts[i] = x - Register{};
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

/// The smaller and the larger of two; b where one is no number.
template <size_t kBytes>
[[gnu::always_inline]] inline Lanes<kBytes> smaller(const Lanes<kBytes>& a, const Lanes<kBytes>& b) noexcept {
  return choose(a < b, a, b);
}
template <size_t kBytes>
[[gnu::always_inline]] inline Lanes<kBytes> larger(const Lanes<kBytes>& a, const Lanes<kBytes>& b) noexcept {
  return choose(b < a, a, b);
}

/// The nearest whole number within [low, high], whole numbers of less than 2^22; ties to even; low where x is no
/// number.
template <size_t kBytes>
[[gnu::always_inline]] inline Lanes<kBytes> rounded_within(const Lanes<kBytes>& x, const Lanes<kBytes>& low,
                                                           const Lanes<kBytes>& high) noexcept {
  // 1.5 * 2^23: the adder rounds at the ones. Bounds are held before it is taken off, which saves instructions: a
  // bound of zero would not become a plain maximum.
  const auto magic = Lanes<kBytes>::set(12582912.0F);
  return smaller(larger(x + magic, low + magic), high + magic) - magic;
}

/// Of all lanes, in the order of a tree that does not depend on the width.
template <size_t kBytes>
[[gnu::always_inline]] inline float sum_of(const Lanes<kBytes>& x) noexcept {
  float values[Lanes<kBytes>::kLanes];
  x.store(values);
  for (size_t half = Lanes<kBytes>::kLanes / 2; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) values[i] += values[i + half];
  }
  return values[0];
}
template <size_t kBytes>
[[gnu::always_inline]] inline float least_of(const Lanes<kBytes>& x) noexcept {
  float values[Lanes<kBytes>::kLanes];
  x.store(values);
  for (size_t half = Lanes<kBytes>::kLanes / 2; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) values[i] = values[i + half] < values[i] ? values[i + half] : values[i];
  }
  return values[0];
}

}  // namespace
}  // namespace kinglet::quant
