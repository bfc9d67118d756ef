// Walks a row of n elements in vectors, the last one shorter.
#pragma once

#include <stddef.h>

namespace kinglet::kernels {
namespace {

/// The instruction, rounded as IEEE 754 says.
inline float sqrt_of(float x) noexcept { return __builtin_sqrtf(x); }
inline double sqrt_of(double x) noexcept { return __builtin_sqrt(x); }

/// y[i] = f(x[i]).
template <class V, class F>
void map_row(const typename V::Real* x, typename V::Real* y, size_t n, const F& f) noexcept {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) f(V::load(x + i)).store(y + i);
  if (i < n) f(V::load_n(x + i, n - i)).store_n(y + i, n - i);
}

/// y[i] = f(a[i], b[i]).
template <class V, class F>
void map_row(const typename V::Real* a, const typename V::Real* b, typename V::Real* y, size_t n, const F& f) noexcept {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) f(V::load(a + i), V::load(b + i)).store(y + i);
  if (i < n) f(V::load_n(a + i, n - i), V::load_n(b + i, n - i)).store_n(y + i, n - i);
}

/// The sum of f(a[i], b[i]): 16 interleaved partial sums, then the tree. f(0, 0) is 0. add(sum, x, y) may use fma.
template <class V, class Add>
typename V::Real fold_row(const typename V::Real* a, const typename V::Real* b, size_t n, const Add& add) noexcept {
  V total = V::zero();
  size_t i = 0;
  for (; i + 16 <= n; i += 16) total = add(total, V::load(a + i), V::load(b + i));
  if (i < n) total = add(total, V::load_n(a + i, n - i), V::load_n(b + i, n - i));
  return sum(total);
}

template <class V>
typename V::Real dot(const typename V::Real* a, const typename V::Real* b, size_t n) noexcept {
  return fold_row<V>(a, b, n, [](const V& total, const V& x, const V& y) noexcept { return fma(x, y, total); });
}

template <class V>
void axpy(typename V::Real s, const typename V::Real* x, typename V::Real* y, size_t n) noexcept {
  const V factor = V::set(s);
  map_row<V>(x, y, y, n, [&](const V& a, const V& b) noexcept { return fma(factor, a, b); });
}

}  // namespace
}  // namespace kinglet::kernels
