// Elementary functions of a vector V: the same operations in every instruction set, so the same bits.
//
// exp: x = n ln 2 + r, |r| <= ln 2 / 2, Taylor's series of e^r - 1 to the order that its type needs, times 2^n; below the
// normal range the result is 0. Errors are measured in real_test.cpp.
#pragma once

#include <math.h>
#include <stddef.h>

namespace kinglet::kernels {
namespace {

template <class Real>
struct ExpRange;
template <>
struct ExpRange<float> {
  static constexpr float kLowest = -87.33F;
  static constexpr float kHighest = 88.37F;
  static constexpr float kLn2High = 0.693145751953125F;  // 15 bits: n times it is exact
  static constexpr float kLn2Low = 1.42860682030941723212e-6F;
  static constexpr int kOrder = 7;
};
template <>
struct ExpRange<double> {
  static constexpr double kLowest = -708.3;
  static constexpr double kHighest = 709.4;
  static constexpr double kLn2High = 6.93147180369123816490e-01;
  static constexpr double kLn2Low = 1.90821492927058770002e-10;
  static constexpr int kOrder = 14;
};

/// e^r - 1 for |r| <= ln 2 / 2: r (1 + r (1/2 + r (1/6 + ...))).
template <class V>
V expm1_reduced(const V& r) noexcept {
  using Real = typename V::Real;
  constexpr int kOrder = ExpRange<Real>::kOrder;
  double factorial = 1;
  for (int i = 2; i <= kOrder; ++i) factorial *= i;
  V series = V::set(static_cast<Real>(1.0 / factorial));
  for (int i = kOrder - 1; i >= 1; --i) {
    factorial /= i + 1;
    series = fma(series, r, V::set(static_cast<Real>(1.0 / factorial)));
  }
  return series * r;
}

template <class V>
V exp(const V& x) noexcept {
  using Range = ExpRange<typename V::Real>;
  const V lowest = V::set(Range::kLowest);
  const V clamped = min(max(x, lowest), V::set(Range::kHighest));
  const V n = round(clamped * V::set(static_cast<typename V::Real>(1.4426950408889634074)));
  const V r = fma(n, V::set(-Range::kLn2Low), fma(n, V::set(-Range::kLn2High), clamped));
  const V power = V::pow2(n);
  return where_less(x, lowest, V::zero(), fma(power, expm1_reduced(r), power));
}

/// 1 / (1 + e^-x).
template <class V>
V sigmoid(const V& x) noexcept {
  const V one = V::set(1);
  return one / (one + exp(V::zero() - x));
}

/// From e^2x - 1: directly by the series near 0, where e^2x - 1 would cancel.
template <class V>
V tanh(const V& x) noexcept {
  using Real = typename V::Real;
  const V limit = V::set(static_cast<Real>(0.17));
  const V two = V::set(2);
  const V one = V::set(1);
  const V magnitude = max(x, V::zero() - x);
  const V bounded = min(magnitude, V::set(22));  // tanh 22 rounds to 1
  const V small = expm1_reduced(two * min(bounded, limit));
  const V minus_one = where_less(bounded, limit, small, exp(two * bounded) - one);
  const V result = minus_one / (minus_one + two);
  return where_less(x, V::zero(), V::zero() - result, result);
}

/// Natural logarithm of a positive finite normal number; one number, not a vector: attention and losses need one a row.
template <class Real>
Real log_of(Real x) noexcept {
  int exponent = 0;
  // Halving and doubling are exact, so this loop loses nothing; sums of exponentials are between 1 and a vocabulary's size.
  while (x > static_cast<Real>(1.4142135623730951)) {
    x *= static_cast<Real>(0.5);
    ++exponent;
  }
  while (x < static_cast<Real>(0.7071067811865476)) {
    x *= static_cast<Real>(2);
    --exponent;
  }
  // log x = 2 artanh s, s = (x - 1) / (x + 1), |s| <= 0.1716.
  const Real s = (x - 1) / (x + 1);
  const Real square = s * s;
  Real series = 0;
  for (int k = sizeof(Real) == 4 ? 9 : 23; k >= 1; k -= 2) series = series * square + static_cast<Real>(1) / static_cast<Real>(k);
  return static_cast<Real>(exponent) * static_cast<Real>(0.6931471805599453094) + 2 * s * series;
}

/// erf x = 2 / sqrt(pi) e^-xx sum of 2^n x^(2n+1) / (1 3 5 ... (2n+1)): positive terms only, so nothing cancels.
template <class V>
V erf(const V& x) noexcept {
  using Real = typename V::Real;
  const V magnitude = min(max(x, V::zero() - x), V::set(6));  // erf 6 rounds to 1
  const V square = magnitude * magnitude;
  V term = magnitude;
  V total = magnitude;
  const int n_terms = sizeof(Real) == 4 ? 80 : 140;
  for (int n = 1; n < n_terms; ++n) {
    term = term * square * V::set(static_cast<Real>(2.0 / (2 * n + 1)));
    total = total + term;
  }
  const V result = min(V::set(1), total * exp(V::zero() - square) * V::set(static_cast<Real>(1.1283791670955125739)));
  return where_less(x, V::zero(), V::zero() - result, result);
}

}  // namespace
}  // namespace kinglet::kernels
