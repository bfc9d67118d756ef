// All kernels of RealKernels for a vector V, and the table of them.
#pragma once

#include "core/kernels/inl/kv_encode.inl.h"
#include "core/kernels/inl/attend.inl.h"
#include "core/kernels/inl/elementwise.inl.h"
#include "core/kernels/inl/norm.inl.h"

namespace kinglet::kernels {
namespace {

// Register tile: four rows of dw, two vectors of k: eight accumulators that take all tokens in order.
template <class V, size_t kRows>
void outer_tile(const typename V::Real* dy, size_t dy_stride, const typename V::Real* x, size_t x_stride, size_t n_tokens,
                typename V::Real* dw, size_t cols, size_t at, size_t n) noexcept {
  V acc[kRows];
  for (size_t r = 0; r < kRows; ++r) acc[r] = V::load_n(dw + r * cols + at, n);
  for (size_t t = 0; t < n_tokens; ++t) {
    const V value = V::load_n(x + t * x_stride + at, n);
    for (size_t r = 0; r < kRows; ++r) acc[r] = fma(V::set(dy[t * dy_stride + r]), value, acc[r]);
  }
  for (size_t r = 0; r < kRows; ++r) acc[r].store_n(dw + r * cols + at, n);
}

template <class V, size_t kRows>
void outer_tile_full(const typename V::Real* dy, size_t dy_stride, const typename V::Real* x, size_t x_stride,
                     size_t n_tokens, typename V::Real* dw, size_t cols, size_t at) noexcept {
  V low[kRows];
  V high[kRows];
  for (size_t r = 0; r < kRows; ++r) {
    low[r] = V::load(dw + r * cols + at);
    high[r] = V::load(dw + r * cols + at + 16);
  }
  for (size_t t = 0; t < n_tokens; ++t) {
    const V x_low = V::load(x + t * x_stride + at);
    const V x_high = V::load(x + t * x_stride + at + 16);
    for (size_t r = 0; r < kRows; ++r) {
      const V factor = V::set(dy[t * dy_stride + r]);
      low[r] = fma(factor, x_low, low[r]);
      high[r] = fma(factor, x_high, high[r]);
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    low[r].store(dw + r * cols + at);
    high[r].store(dw + r * cols + at + 16);
  }
}

template <class V, size_t kRows>
void outer_rows(const typename V::Real* dy, size_t dy_stride, const typename V::Real* x, size_t x_stride, size_t n_tokens,
                typename V::Real* dw, size_t cols) noexcept {
  size_t at = 0;
  for (; at + 32 <= cols; at += 32) outer_tile_full<V, kRows>(dy, dy_stride, x, x_stride, n_tokens, dw, cols, at);
  for (; at < cols; at += 16) {
    const size_t n = cols - at < 16 ? cols - at : 16;
    outer_tile<V, kRows>(dy, dy_stride, x, x_stride, n_tokens, dw, cols, at, n);
  }
}

template <class V>
void outer_accumulate(const typename V::Real* dy, size_t dy_stride, const typename V::Real* x, size_t x_stride,
                      size_t n_tokens, typename V::Real* dw, size_t n_rows, size_t cols) noexcept {
  size_t r = 0;
  for (; r + 4 <= n_rows; r += 4) outer_rows<V, 4>(dy + r, dy_stride, x, x_stride, n_tokens, dw + r * cols, cols);
  for (; r < n_rows; ++r) outer_rows<V, 1>(dy + r, dy_stride, x, x_stride, n_tokens, dw + r * cols, cols);
}

template <class V>
RealKernels<typename V::Real> real_kernels_of() noexcept {
  using Real = typename V::Real;
  RealKernels<Real> table;
  table.rms_norm = rms_norm<V>;
  table.rms_norm_backward = rms_norm_backward<V>;
  table.layer_norm = layer_norm<V>;
  table.layer_norm_backward = layer_norm_backward<V>;
  table.rope = rope<Real>;
  table.softmax = softmax<V>;
  table.log_sum_exp = log_sum_exp<V>;
  table.activate = activate<V>;
  table.activate_backward = activate_backward<V>;
  table.gated = gated<V>;
  table.gated_backward = gated_backward<V>;
  table.add = add<V>;
  table.scale = scale<V>;
  table.axpy = axpy<V>;
  table.dot = dot<V>;
  table.softcap = softcap<V>;
  table.softcap_backward = softcap_backward<V>;
  table.store_key = store_key<Real>;
  table.store_value = store_value<Real>;
  table.attend = attend<V>;
  table.attend_plain = attend_plain<V>;
  table.attend_backward = attend_backward<V>;
  table.outer_accumulate = outer_accumulate<V>;
  return table;
}

}  // namespace
}  // namespace kinglet::kernels
