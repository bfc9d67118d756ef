// Activations, gates, sums, softmax, rotary embedding, caps.
#pragma once

#include "core/kernels/inl/elementary.inl.h"
#include "core/kernels/inl/rows.inl.h"
#include "core/kernels/real.h"

namespace kinglet::kernels {
namespace {

constexpr double kSqrtHalf = 0.70710678118654752440;
constexpr double kGeluSlope = 0.79788456080286535588;  // sqrt(2 / pi)
constexpr double kGeluCubic = 0.044715;
constexpr double kNormalDensity = 0.39894228040143267794;  // 1 / sqrt(2 pi)

template <class V>
V constant(double x) noexcept {
  return V::set(static_cast<typename V::Real>(x));
}

template <class V>
V apply(Activate kind, const V& x) noexcept {
  const V half = constant<V>(0.5);
  switch (kind) {
    case Activate::kSilu:
      return x * sigmoid(x);
    case Activate::kGelu:
      return half * x * (constant<V>(1) + erf(x * constant<V>(kSqrtHalf)));
    case Activate::kGeluTanh: {
      const V inner = constant<V>(kGeluSlope) * (x + constant<V>(kGeluCubic) * x * x * x);
      return half * x * (constant<V>(1) + tanh(inner));
    }
    case Activate::kRelu:
      return max(x, V::zero());
    case Activate::kTanh:
      return tanh(x);
    case Activate::kSigmoid:
      return sigmoid(x);
  }
  return x;
}

template <class V>
V slope(Activate kind, const V& x) noexcept {
  const V one = constant<V>(1);
  const V half = constant<V>(0.5);
  switch (kind) {
    case Activate::kSilu: {
      const V s = sigmoid(x);
      return s * (one + x * (one - s));
    }
    case Activate::kGelu:
      return half * (one + erf(x * constant<V>(kSqrtHalf))) +
             x * constant<V>(kNormalDensity) * exp(V::zero() - half * x * x);
    case Activate::kGeluTanh: {
      const V t = tanh(constant<V>(kGeluSlope) * (x + constant<V>(kGeluCubic) * x * x * x));
      const V d_inner = constant<V>(kGeluSlope) * (one + constant<V>(3 * kGeluCubic) * x * x);
      return half * (one + t) + half * x * (one - t * t) * d_inner;
    }
    case Activate::kRelu:
      return where_less(V::zero(), x, one, V::zero());
    case Activate::kTanh: {
      const V t = tanh(x);
      return one - t * t;
    }
    case Activate::kSigmoid: {
      const V s = sigmoid(x);
      return s * (one - s);
    }
  }
  return one;
}

template <class V>
void activate(Activate kind, const typename V::Real* x, typename V::Real* y, size_t n) noexcept {
  map_row<V>(x, y, n, [&](const V& value) noexcept { return apply(kind, value); });
}

template <class V>
void activate_backward(Activate kind, const typename V::Real* x, const typename V::Real* dy, typename V::Real* dx,
                       size_t n) noexcept {
  for (size_t i = 0; i < n; i += 16) {
    const size_t m = n - i < 16 ? n - i : 16;
    fma(V::load_n(dy + i, m), slope(kind, V::load_n(x + i, m)), V::load_n(dx + i, m)).store_n(dx + i, m);
  }
}

template <class V>
void gated(Activate kind, const typename V::Real* gate, const typename V::Real* up, typename V::Real* y,
           size_t n) noexcept {
  map_row<V>(gate, up, y, n, [&](const V& g, const V& u) noexcept { return apply(kind, g) * u; });
}

template <class V>
void gated_backward(Activate kind, const typename V::Real* gate, const typename V::Real* up, const typename V::Real* dy,
                    typename V::Real* dgate, typename V::Real* dup, size_t n) noexcept {
  for (size_t i = 0; i < n; i += 16) {
    const size_t m = n - i < 16 ? n - i : 16;
    const V g = V::load_n(gate + i, m);
    const V d = V::load_n(dy + i, m);
    fma(d * V::load_n(up + i, m), slope(kind, g), V::load_n(dgate + i, m)).store_n(dgate + i, m);
    fma(d, apply(kind, g), V::load_n(dup + i, m)).store_n(dup + i, m);
  }
}

template <class V>
void add(const typename V::Real* a, const typename V::Real* b, typename V::Real* y, size_t n) noexcept {
  map_row<V>(a, b, y, n, [](const V& left, const V& right) noexcept { return left + right; });
}

template <class V>
void scale(const typename V::Real* x, typename V::Real s, typename V::Real* y, size_t n) noexcept {
  const V factor = V::set(s);
  map_row<V>(x, y, n, [&](const V& value) noexcept { return value * factor; });
}

template <class V>
void softcap(const typename V::Real* x, typename V::Real cap, typename V::Real* y, size_t n) noexcept {
  const V limit = V::set(cap);
  map_row<V>(x, y, n, [&](const V& value) noexcept { return limit * tanh(value / limit); });
}

template <class V>
void softcap_backward(const typename V::Real* y, typename V::Real cap, const typename V::Real* dy, typename V::Real* dx,
                      size_t n) noexcept {
  const V limit = V::set(cap);
  for (size_t i = 0; i < n; i += 16) {
    const size_t m = n - i < 16 ? n - i : 16;
    const V t = V::load_n(y + i, m) / limit;
    fma(V::load_n(dy + i, m), constant<V>(1) - t * t, V::load_n(dx + i, m)).store_n(dx + i, m);
  }
}

template <class V>
typename V::Real highest_of(const typename V::Real* x, size_t n) noexcept {
  V top = V::set(x[0]);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) top = max(top, V::load(x + i));
  typename V::Real result = highest(top);
  for (; i < n; ++i) result = x[i] > result ? x[i] : result;
  return result;
}

// e^(x - top) into y, and its sum.
template <class V>
typename V::Real exponentials(const typename V::Real* x, typename V::Real top, typename V::Real* y, size_t n) noexcept {
  V total = V::zero();
  const V shift = V::set(top);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const V e = exp(V::load(x + i) - shift);
    e.store(y + i);
    total = total + e;
  }
  if (i < n) {
    exp(V::load_n(x + i, n - i) - shift).store_n(y + i, n - i);
    total = total + V::load_n(y + i, n - i);
  }
  return sum(total);
}

template <class V>
void softmax(const typename V::Real* x, typename V::Real* y, size_t n) noexcept {
  const V total = V::set(exponentials<V>(x, highest_of<V>(x, n), y, n));
  map_row<V>(y, y, n, [&](const V& value) noexcept { return value / total; });
}

template <class V>
typename V::Real log_sum_exp(const typename V::Real* x, size_t n) noexcept {
  const typename V::Real top = highest_of<V>(x, n);
  V total = V::zero();
  const V shift = V::set(top);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) total = total + exp(V::load(x + i) - shift);
  if (i < n) {
    typename V::Real lanes[16] = {};
    exp(V::load_n(x + i, n - i) - shift).store_n(lanes, n - i);
    total = total + V::load(lanes);
  }
  return top + log_of(sum(total));
}

// Neighbours: with x = (a, b, ...), y = x (cos, cos, ...) + (b, a, ...) (-sin, sin, ...).
template <class V>
void rope_adjacent(typename V::Real* x, size_t n_heads, size_t head_dim, size_t n_rot, const typename V::Real* cos_sin,
                   bool inverse) noexcept {
  using Real = typename V::Real;
  Real lanes[16];
  for (size_t i = 0; i < 16; ++i) lanes[i] = (i % 2 == 0) == inverse ? Real{1} : Real{-1};
  const V signs = V::load(lanes);
  for (size_t at = 0; at < n_rot; at += 16) {
    const size_t m = n_rot - at < 16 ? n_rot - at : 16;
    const V both = V::load_n(cos_sin + at, m);
    const V cosine = double_even(both);
    const V sine = double_odd(both) * signs;
    for (size_t head = 0; head < n_heads; ++head) {
      Real* p = x + head * head_dim + at;
      const V value = V::load_n(p, m);
      (value * cosine + swap_pairs(value) * sine).store_n(p, m);
    }
  }
}

template <class V>
void rope(typename V::Real* x, size_t n_heads, size_t head_dim, size_t n_rot, const typename V::Real* cos_sin,
          RopePairs pairs, bool inverse) noexcept {
  using Real = typename V::Real;
  if (pairs == RopePairs::kAdjacent) return rope_adjacent<V>(x, n_heads, head_dim, n_rot, cos_sin, inverse);
  const size_t half = n_rot / 2;
  const Real sign = inverse ? Real{-1} : Real{1};
  for (size_t head = 0; head < n_heads; ++head) {
    Real* low = x + head * head_dim;
    Real* high = low + half;
    for (size_t i = 0; i < half; ++i) {
      const Real cosine = cos_sin[2 * i];
      const Real sine = sign * cos_sin[2 * i + 1];
      const Real a = low[i];
      const Real b = high[i];
      low[i] = a * cosine - b * sine;
      high[i] = a * sine + b * cosine;
    }
  }
}

}  // namespace
}  // namespace kinglet::kernels
