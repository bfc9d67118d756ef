// Products of weights in a float format. Lanes run along the inner dimension: 16 partial sums, then the tree. A tile of
// rows and tokens shares its loads; each of its sums is the same as alone.
#pragma once

#include <string.h>

#include "core/kernels/inl/rows.inl.h"
#include "core/kernels/product.h"

namespace kinglet::kernels {
namespace {

struct WeightF32 {
  static constexpr size_t kBytes = 4;
  template <class V>
  static V load(const std::byte* row, size_t k) noexcept {
    return V::load(reinterpret_cast<const float*>(row) + k);
  }
  template <class V>
  static V load_n(const std::byte* row, size_t k, size_t n) noexcept {
    return V::load_n(reinterpret_cast<const float*>(row) + k, n);
  }
};

// 16-bit weights; a short vector goes through room, as no more may be read than is there.
template <bool kBrain>
struct WeightHalf {
  static constexpr size_t kBytes = 2;
  template <class V>
  static V load(const std::byte* row, size_t k) noexcept {
    const auto* halves = reinterpret_cast<const uint16_t*>(row) + k;
    return kBrain ? V::load_bf16(halves) : V::load_f16(halves);
  }
  template <class V>
  static V load_n(const std::byte* row, size_t k, size_t n) noexcept {
    uint16_t room[16] = {};
    memcpy(room, row + k * 2, n * 2);
    return load<V>(reinterpret_cast<const std::byte*>(room), 0);
  }
};

template <class V, class Weight, size_t kR, size_t kT>
void float_tile(const std::byte* w, size_t w_stride, const float* x, size_t x_stride, size_t cols, float* y,
                size_t y_stride) noexcept {
  V acc[kT][kR];
  for (size_t t = 0; t < kT; ++t) {
    for (size_t r = 0; r < kR; ++r) acc[t][r] = V::zero();
  }
  const auto add = [&](const V(&weight)[kR], const V(&value)[kT]) noexcept {
    for (size_t t = 0; t < kT; ++t) {
      for (size_t r = 0; r < kR; ++r) acc[t][r] = fma(weight[r], value[t], acc[t][r]);
    }
  };
  V weight[kR];
  V value[kT];
  size_t k = 0;
  for (; k + 16 <= cols; k += 16) {
    for (size_t r = 0; r < kR; ++r) weight[r] = Weight::template load<V>(w + r * w_stride, k);
    for (size_t t = 0; t < kT; ++t) value[t] = V::load(x + t * x_stride + k);
    add(weight, value);
  }
  if (k < cols) {
    for (size_t r = 0; r < kR; ++r) weight[r] = Weight::template load_n<V>(w + r * w_stride, k, cols - k);
    for (size_t t = 0; t < kT; ++t) value[t] = V::load_n(x + t * x_stride + k, cols - k);
    add(weight, value);
  }
  for (size_t t = 0; t < kT; ++t) {
    for (size_t r = 0; r < kR; ++r) y[t * y_stride + r] = sum(acc[t][r]);
  }
}

template <class V, class Weight, size_t kR, size_t kT>
void float_tokens(const WeightRows& w, const ActivationRows& x, size_t r, size_t t, float* y,
                  size_t y_stride) noexcept {
  const auto* values = reinterpret_cast<const float*>(x.data + t * x.row_bytes);
  float_tile<V, Weight, kR, kT>(w.data + r * w.row_bytes, w.row_bytes, values, x.row_bytes / sizeof(float), w.cols,
                                y + t * y_stride + r, y_stride);
}

// Rows [r, r + kR) by all tokens.
template <class V, class Weight, size_t kR>
void float_rows(const WeightRows& w, const ActivationRows& x, size_t r, float* y, size_t y_stride) noexcept {
  size_t t = 0;
  for (; t + 4 <= x.n_rows; t += 4) float_tokens<V, Weight, kR, 4>(w, x, r, t, y, y_stride);
  if (x.n_rows - t == 3) float_tokens<V, Weight, kR, 3>(w, x, r, t, y, y_stride);
  if (x.n_rows - t == 2) float_tokens<V, Weight, kR, 2>(w, x, r, t, y, y_stride);
  if (x.n_rows - t == 1) float_tokens<V, Weight, kR, 1>(w, x, r, t, y, y_stride);
}

/// `few` and `many` of a float format: V::kFloatRows weight rows at a time.
template <class V, class Weight>
void float_product(const WeightRows& w, const ActivationRows& x, float* y, size_t y_stride,
                   std::byte* /*scratch*/) noexcept {
  size_t r = 0;
  for (; r + V::kFloatRows <= w.n_rows; r += V::kFloatRows) float_rows<V, Weight, V::kFloatRows>(w, x, r, y, y_stride);
  for (; r < w.n_rows; ++r) float_rows<V, Weight, 1>(w, x, r, y, y_stride);
}

}  // namespace
}  // namespace kinglet::kernels
