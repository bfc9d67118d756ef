// RMSNorm and LayerNorm with their gradients.
#pragma once

#include "core/kernels/inl/rows.inl.h"

namespace kinglet::kernels {
namespace {

template <class V>
typename V::Real inverse_rms(const typename V::Real* x, size_t n, typename V::Real eps) noexcept {
  using Real = typename V::Real;
  return Real{1} / sqrt_of(dot<V>(x, x, n) / static_cast<Real>(n) + eps);
}

template <class V>
void rms_norm(const typename V::Real* x, const typename V::Real* w, typename V::Real* y, size_t n,
              typename V::Real eps) noexcept {
  const V scale = V::set(inverse_rms<V>(x, n, eps));
  map_row<V>(x, w, y, n, [&](const V& value, const V& weight) noexcept { return value * scale * weight; });
}

// With r = 1 / rms and g = dy w: dx = r (g - x r^2 mean(g x)), dw = dy x r.
template <class V>
void rms_norm_backward(const typename V::Real* x, const typename V::Real* w, const typename V::Real* dy,
                       typename V::Real* dx, typename V::Real* dw, size_t n, typename V::Real eps) noexcept {
  using Real = typename V::Real;
  const Real r = inverse_rms<V>(x, n, eps);
  V total = V::zero();
  for (size_t i = 0; i < n; i += 16) {
    const size_t m = n - i < 16 ? n - i : 16;
    total = total + V::load_n(dy + i, m) * V::load_n(w + i, m) * V::load_n(x + i, m);
  }
  const V scale = V::set(r);
  const V back = V::set(r * r * sum(total) / static_cast<Real>(n));
  for (size_t i = 0; i < n; i += 16) {
    const size_t m = n - i < 16 ? n - i : 16;
    const V value = V::load_n(x + i, m);
    const V d = V::load_n(dy + i, m);
    (V::load_n(dx + i, m) + scale * (d * V::load_n(w + i, m) - value * back)).store_n(dx + i, m);
    if (dw != nullptr) (V::load_n(dw + i, m) + d * value * scale).store_n(dw + i, m);
  }
}

template <class Real>
struct Moments {
  Real mean;
  Real inverse_deviation;
};

template <class V>
Moments<typename V::Real> moments(const typename V::Real* x, size_t n, typename V::Real eps) noexcept {
  using Real = typename V::Real;
  const Real mean =
      fold_row<V>(x, x, n, [](const V& total, const V& value, const V&) noexcept { return total + value; }) /
      static_cast<Real>(n);
  V total = V::zero();
  for (size_t i = 0; i < n; i += 16) {
    const size_t m = n - i < 16 ? n - i : 16;
    V off = V::load_n(x + i, m) - V::set(mean);
    if (m < 16) {  // lanes behind the end hold -mean: put zeros there
      Real lanes[16] = {};
      off.store_n(lanes, m);
      off = V::load(lanes);
    }
    total = fma(off, off, total);
  }
  return {mean, Real{1} / sqrt_of(sum(total) / static_cast<Real>(n) + eps)};
}

template <class V>
void layer_norm(const typename V::Real* x, const typename V::Real* w, const typename V::Real* b, typename V::Real* y,
                size_t n, typename V::Real eps) noexcept {
  const auto at = moments<V>(x, n, eps);
  const V mean = V::set(at.mean);
  const V scale = V::set(at.inverse_deviation);
  for (size_t i = 0; i < n; i += 16) {
    const size_t m = n - i < 16 ? n - i : 16;
    const V normed = (V::load_n(x + i, m) - mean) * scale * V::load_n(w + i, m);
    (b == nullptr ? normed : normed + V::load_n(b + i, m)).store_n(y + i, m);
  }
}

// With z = (x - mean) / deviation and g = dy w: dx = (g - mean(g) - z mean(g z)) / deviation, dw = dy z, db = dy.
template <class V>
void layer_norm_backward(const typename V::Real* x, const typename V::Real* w, const typename V::Real* dy,
                         typename V::Real* dx, typename V::Real* dw, typename V::Real* db, size_t n,
                         typename V::Real eps) noexcept {
  using Real = typename V::Real;
  const auto at = moments<V>(x, n, eps);
  const V mean = V::set(at.mean);
  const V scale = V::set(at.inverse_deviation);
  V total_g = V::zero();
  V total_gz = V::zero();
  for (size_t i = 0; i < n; i += 16) {
    const size_t m = n - i < 16 ? n - i : 16;
    const V g = V::load_n(dy + i, m) * V::load_n(w + i, m);  // zero behind the end
    total_g = total_g + g;
    total_gz = fma(g, (V::load_n(x + i, m) - mean) * scale, total_gz);
  }
  const V mean_g = V::set(sum(total_g) / static_cast<Real>(n));
  const V mean_gz = V::set(sum(total_gz) / static_cast<Real>(n));
  for (size_t i = 0; i < n; i += 16) {
    const size_t m = n - i < 16 ? n - i : 16;
    const V d = V::load_n(dy + i, m);
    const V z = (V::load_n(x + i, m) - mean) * scale;
    (V::load_n(dx + i, m) + (d * V::load_n(w + i, m) - mean_g - z * mean_gz) * scale).store_n(dx + i, m);
    if (dw != nullptr) (V::load_n(dw + i, m) + d * z).store_n(dw + i, m);
    if (db != nullptr) (V::load_n(db + i, m) + d).store_n(db + i, m);
  }
}

}  // namespace
}  // namespace kinglet::kernels
