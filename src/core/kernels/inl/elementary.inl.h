// Elementary functions of a vector V: the same operations in every instruction set, so the same bits.
//
// exp: x = n ln 2 + r, |r| <= ln 2 / 2; e^r - 1 is a polynomial, and 2^n is put together from the bits of n. tanh comes
// from e^2x - 1, erf from a polynomial below 1 and from erfc x = e^-xx p((x - c) / (x + c)) above. The polynomials of
// float interpolate in Chebyshev's points (computed in 60 digits); errors are measured in elementary_test.cpp. NaN
// stays NaN.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace kinglet::kernels {
namespace {

template <class Real>
struct ExpFit;
template <>
struct ExpFit<float> {
  static constexpr float kLowest = -87.33F;     // below: 0, so that no result is subnormal
  static constexpr float kHighest = 88.37F;     // above: as at this place, e^88.37 = 2.4e38
  static constexpr float kShift = 12582912.0F;  // 1.5 * 2^23: adding it rounds to a whole number, in the low bits
  static constexpr float kLn2High = 0.693145751953125F;
  static constexpr float kLn2Low = 1.42860682030941723212e-6F;
  // (e^r - 1 - r) / r^2
  static constexpr float kSeries[] = {0.5F, 0.166665733F, 0.0416665487F, 0.00836377405F, 0.00139269268F};
};
template <>
struct ExpFit<double> {
  static constexpr double kLowest = -708.3;
  static constexpr double kHighest = 709.4;
  static constexpr double kShift = 6755399441055744.0;
  static constexpr double kLn2High = 6.93147180369123816490e-01;
  static constexpr double kLn2Low = 1.90821492927058770002e-10;
  static constexpr double kSeries[] = {
      1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,        1.0 / 5040,       1.0 / 40320,
      1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800, 1.0 / 87178291200};
};

/// c[0] + x (c[1] + x (c[2] + ...)).
template <class V, size_t n>
V polynomial(const typename V::Real (&c)[n], const V& x) noexcept {
  V value = V::set(c[n - 1]);
  for (size_t i = n - 1; i-- > 0;) value = fma(value, x, V::set(c[i]));
  return value;
}

// e^x = power (1 + rest), |rest| <= 0.42, for kLowest <= x <= kHighest.
template <class V>
struct ExpParts {
  V power;
  V rest;
};

template <class V>
ExpParts<V> exp_parts(const V& x) noexcept {
  using Real = typename V::Real;
  using Fit = ExpFit<Real>;
  const V shift = V::set(Fit::kShift);
  const V shifted = fma(x, V::set(static_cast<Real>(1.4426950408889634074)), shift);
  const V n = shifted - shift;
  const V r = fma(n, V::set(-Fit::kLn2Low), fma(n, V::set(-Fit::kLn2High), x));
  return {V::pow2_of_shifted(shifted), fma(r * r, polynomial(Fit::kSeries, r), r)};
}

template <class V>
V exp(const V& x) noexcept {
  using Fit = ExpFit<typename V::Real>;
  const auto parts = exp_parts(min(V::set(Fit::kHighest), x));
  return where_less(x, V::set(Fit::kLowest), V::zero(), fma(parts.power, parts.rest, parts.power));
}

/// 1 / (1 + e^-x).
template <class V>
V sigmoid(const V& x) noexcept {
  const V one = V::set(1);
  return one / (one + exp(V::zero() - x));
}

/// (e^2x - 1) / (e^2x + 1); the parts of e^2x give e^2x - 1 without cancelling near 0, where the power is 1.
template <class V>
V tanh(const V& x) noexcept {
  const V two = V::set(2);
  const V bounded = min(V::set(22), max(x, V::zero() - x));  // tanh 22 rounds to 1
  const auto parts = exp_parts(two * bounded);
  const V minus_one = fma(parts.power, parts.rest, parts.power - V::set(1));
  const V result = minus_one / (minus_one + two);
  return where_less(x, V::zero(), V::zero() - result, result);
}

// x = m 2^e with m in [sqrt 1/2, sqrt 2): leaves m, returns e. For positive normal x.
inline int take_exponent(float& x) noexcept {
  uint32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  const int exponent = static_cast<int>(bits - 0x3F3504F3U) >> 23;
  bits -= static_cast<uint32_t>(exponent) << 23U;
  memcpy(&x, &bits, sizeof(bits));
  return exponent;
}
inline int take_exponent(double& x) noexcept {
  uint64_t bits;
  memcpy(&bits, &x, sizeof(bits));
  const auto exponent = static_cast<int64_t>(bits - 0x3FE6A09E667F3BCDULL) >> 52;
  bits -= static_cast<uint64_t>(exponent) << 52U;
  memcpy(&x, &bits, sizeof(bits));
  return static_cast<int>(exponent);
}

/// Natural logarithm of a positive normal number; one number, not a vector: attention and losses need one a row. 0
/// gives -infinity; infinity and NaN give themselves.
template <class Real>
Real log_of(Real x) noexcept {
  constexpr Real kInfinity = static_cast<Real>(__builtin_inf());
  if (!(x > 0 && x < kInfinity)) return x == 0 ? -kInfinity : x;
  const int exponent = take_exponent(x);
  // log x = 2 artanh s, s = (x - 1) / (x + 1), |s| <= 0.1716.
  const Real s = (x - 1) / (x + 1);
  const Real square = s * s;
  Real series = 0;
  for (int k = sizeof(Real) == 4 ? 9 : 23; k >= 1; k -= 2) series = series * square + Real{1} / static_cast<Real>(k);
  return static_cast<Real>(exponent) * static_cast<Real>(0.6931471805599453094) + 2 * s * series;
}

template <class Real>
struct ErfFit;
template <>
struct ErfFit<float> {
  static constexpr float kLimit = 4.0F;  // erf 4 rounds to 1
  static constexpr float kCentre = 2.0F;
  // erf x / x in powers of x^2, x <= 1
  static constexpr float kNear[] = {1.12837911F,    -0.37612626F,    0.112835944F,   -0.0268542115F,
                                    0.00518908724F, -0.00080168643F, 7.87587487e-05F};
  // e^xx erfc x in powers of (x - c) / (x + c), 1 <= x <= kLimit
  static constexpr float kFar[] = {0.255395681F,   -0.427185982F,  0.241658196F,    -0.0789683089F,
                                   0.00373237184F, 0.00681114011F, -0.000837975414F};
};
template <>
struct ErfFit<double> {
  static constexpr double kLimit = 6.0;
  static constexpr double kCentre = 2.5;
  static constexpr double kNear[] = {1.1283791670955126,      -0.37612638903183748,    0.11283791670954879,
                                     -0.026866170645076792,   0.0052239776248180145,   -0.000854832698083379,
                                     0.0001205533111164271,   -1.4925595266831182e-05, 1.6461000484121368e-06,
                                     -1.6350312701054695e-07, 1.4659775274047436e-08,  -1.1372848856791674e-09,
                                     5.9571761477489113e-11};
  static constexpr double kFar[] = {0.21080636406114359,     -0.37173673394897339,    0.25171319321744939,
                                    -0.1250330523788247,     0.039922539075574935,    -0.003993701166223159,
                                    -0.0026423659637844531,  0.00087591546307945077,  0.00022838036598153182,
                                    -0.00012887741536369735, -3.4182063549802165e-05, 1.8617072081910595e-05,
                                    7.5513017799442535e-06,  -2.3140931150942177e-06, -1.79706306540687e-06,
                                    1.2966926825389417e-07,  3.3657006736237105e-07};
};

template <class V>
V erf(const V& x) noexcept {
  using Fit = ErfFit<typename V::Real>;
  const V one = V::set(1);
  const V magnitude = min(V::set(Fit::kLimit), max(x, V::zero() - x));
  const V near = magnitude * polynomial(Fit::kNear, magnitude * magnitude);
  const V high = max(one, magnitude);
  const V place = (high - V::set(Fit::kCentre)) / (high + V::set(Fit::kCentre));
  const V far = one - polynomial(Fit::kFar, place) * exp(V::zero() - high * high);
  const V result = where_less(magnitude, one, near, far);
  return where_less(x, V::zero(), V::zero() - result, result);
}

}  // namespace
}  // namespace kinglet::kernels
