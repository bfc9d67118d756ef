// The vector of 16 elements that inl/ is written for, without vector instructions: float and double. This is the list
// of what a vector must offer; wider instruction sets have the same names in their vec.h and give the same bits. The
// one thing asked of the C library is fma, which has exactly one right answer.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/quant/float16.h"

namespace kinglet::kernels {
namespace {

template <class T>
struct ScalarVec {
  using Real = T;
  static constexpr size_t kLanes = 16;
  static constexpr size_t kScoreTile = 1;  ///< Vectors beside each other in a register tile of keys,
  static constexpr size_t kRowTile = 1;    ///< and of values or weight columns.
  T lane[kLanes];

  static ScalarVec set(T x) noexcept {
    ScalarVec v;
    for (T& lane : v.lane) lane = x;
    return v;
  }
  static ScalarVec zero() noexcept { return set(T{0}); }
  static ScalarVec load(const T* p) noexcept {
    ScalarVec v;
    memcpy(v.lane, p, sizeof(v.lane));
    return v;
  }
  /// The first n < 16 elements, zeros behind.
  static ScalarVec load_n(const T* p, size_t n) noexcept {
    ScalarVec v = zero();
    memcpy(v.lane, p, n * sizeof(T));
    return v;
  }
  static ScalarVec load_f16(const uint16_t* p) noexcept {
    ScalarVec v;
    for (size_t i = 0; i < kLanes; ++i) v.lane[i] = static_cast<T>(quant::f16_to_f32(p[i]));
    return v;
  }
  static ScalarVec load_i8(const int8_t* p) noexcept {
    ScalarVec v;
    for (size_t i = 0; i < kLanes; ++i) v.lane[i] = static_cast<T>(p[i]);
    return v;
  }
  /// The low (high) halves of 16 bytes, less 8.
  static ScalarVec load_low4(const uint8_t* p) noexcept {
    ScalarVec v;
    for (size_t i = 0; i < kLanes; ++i) v.lane[i] = static_cast<T>((p[i] & 15) - 8);
    return v;
  }
  static ScalarVec load_high4(const uint8_t* p) noexcept {
    ScalarVec v;
    for (size_t i = 0; i < kLanes; ++i) v.lane[i] = static_cast<T>((p[i] >> 4) - 8);
    return v;
  }
  void store(T* p) const noexcept { memcpy(p, lane, sizeof(lane)); }
  void store_n(T* p, size_t n) const noexcept { memcpy(p, lane, n * sizeof(T)); }
  void store_f16(uint16_t* p) const noexcept {
    for (size_t i = 0; i < kLanes; ++i) p[i] = quant::f32_to_f16(static_cast<float>(lane[i]));
  }

  /// 2^n from shifted = n + 1.5 * 2^23 (2^52), for whole n in the range of normal numbers.
  static ScalarVec pow2_of_shifted(const ScalarVec& shifted) noexcept {
    ScalarVec v;
    for (size_t i = 0; i < kLanes; ++i) {
      if constexpr (sizeof(T) == 4) {
        uint32_t bits;
        memcpy(&bits, &shifted.lane[i], sizeof(bits));
        bits = (bits + 127U) << 23U;
        memcpy(&v.lane[i], &bits, sizeof(bits));
      } else {
        uint64_t bits;
        memcpy(&bits, &shifted.lane[i], sizeof(bits));
        bits = (bits + 1023U) << 52U;
        memcpy(&v.lane[i], &bits, sizeof(bits));
      }
    }
    return v;
  }
};

template <class T, class F>
ScalarVec<T> by_lane(const ScalarVec<T>& a, const ScalarVec<T>& b, const F& f) noexcept {
  ScalarVec<T> v;
  for (size_t i = 0; i < 16; ++i) v.lane[i] = f(a.lane[i], b.lane[i]);
  return v;
}

template <class T>
ScalarVec<T> operator+(const ScalarVec<T>& a, const ScalarVec<T>& b) noexcept {
  return by_lane(a, b, [](T x, T y) { return x + y; });
}
template <class T>
ScalarVec<T> operator-(const ScalarVec<T>& a, const ScalarVec<T>& b) noexcept {
  return by_lane(a, b, [](T x, T y) { return x - y; });
}
template <class T>
ScalarVec<T> operator*(const ScalarVec<T>& a, const ScalarVec<T>& b) noexcept {
  return by_lane(a, b, [](T x, T y) { return x * y; });
}
template <class T>
ScalarVec<T> operator/(const ScalarVec<T>& a, const ScalarVec<T>& b) noexcept {
  return by_lane(a, b, [](T x, T y) { return x / y; });
}
/// The second where they compare equal or one is NaN, as the vector instructions have it.
template <class T>
ScalarVec<T> max(const ScalarVec<T>& a, const ScalarVec<T>& b) noexcept {
  return by_lane(a, b, [](T x, T y) { return x > y ? x : y; });
}
template <class T>
ScalarVec<T> min(const ScalarVec<T>& a, const ScalarVec<T>& b) noexcept {
  return by_lane(a, b, [](T x, T y) { return x < y ? x : y; });
}
/// a * b + c, rounded once.
template <class T>
ScalarVec<T> fma(const ScalarVec<T>& a, const ScalarVec<T>& b, const ScalarVec<T>& c) noexcept {
  ScalarVec<T> v;
  for (size_t i = 0; i < 16; ++i) v.lane[i] = __builtin_fma(a.lane[i], b.lane[i], c.lane[i]);
  return v;
}
template <>
inline ScalarVec<float> fma(const ScalarVec<float>& a, const ScalarVec<float>& b, const ScalarVec<float>& c) noexcept {
  ScalarVec<float> v;
  for (size_t i = 0; i < 16; ++i) v.lane[i] = __builtin_fmaf(a.lane[i], b.lane[i], c.lane[i]);
  return v;
}
/// yes where a < b, else no.
template <class T>
ScalarVec<T> where_less(const ScalarVec<T>& a, const ScalarVec<T>& b, const ScalarVec<T>& yes,
                        const ScalarVec<T>& no) noexcept {
  ScalarVec<T> v;
  for (size_t i = 0; i < 16; ++i) v.lane[i] = a.lane[i] < b.lane[i] ? yes.lane[i] : no.lane[i];
  return v;
}
/// Lanes (0, 0, 2, 2, ...), (1, 1, 3, 3, ...) and (1, 0, 3, 2, ...).
template <class T>
ScalarVec<T> double_even(const ScalarVec<T>& x) noexcept {
  ScalarVec<T> v;
  for (size_t i = 0; i < 16; ++i) v.lane[i] = x.lane[i & ~size_t{1}];
  return v;
}
template <class T>
ScalarVec<T> double_odd(const ScalarVec<T>& x) noexcept {
  ScalarVec<T> v;
  for (size_t i = 0; i < 16; ++i) v.lane[i] = x.lane[i | 1U];
  return v;
}
template <class T>
ScalarVec<T> swap_pairs(const ScalarVec<T>& x) noexcept {
  ScalarVec<T> v;
  for (size_t i = 0; i < 16; ++i) v.lane[i] = x.lane[i ^ 1U];
  return v;
}
/// The tree s[j] += s[j + 8], + 4, + 2, + 1.
template <class T>
T sum(const ScalarVec<T>& x) noexcept {
  ScalarVec<T> v = x;
  for (size_t half = 8; half > 0; half /= 2) {
    for (size_t j = 0; j < half; ++j) v.lane[j] += v.lane[j + half];
  }
  return v.lane[0];
}
template <class T>
T highest(const ScalarVec<T>& x) noexcept {
  T top = x.lane[0];
  for (size_t i = 1; i < 16; ++i) top = x.lane[i] > top ? x.lane[i] : top;
  return top;
}

}  // namespace
}  // namespace kinglet::kernels
