// dw += dy^T x, the product that training spends most of its time in.
//
// Columns go in panels of 64 and tokens in blocks of 64, whose part of x is copied side by side (16 KiB, so that it
// stays in the nearest cache whatever the stride is); each register tile of four rows of dw takes all tokens of the
// block in order.
#pragma once

#include "core/kernels/inl/rows.inl.h"

namespace kinglet::kernels {
namespace {

constexpr size_t kOuterRows = 4;
constexpr size_t kOuterTokens = 64;
constexpr size_t kOuterCols = 64;

// dw[r][0 .. 16 kWide) for r < kRows, the last vector cut to m.
template <class V, size_t kRows, size_t kWide>
void outer_tile(const typename V::Real* dy, size_t dy_stride, const typename V::Real* x, size_t x_stride,
                size_t n_tokens, typename V::Real* dw, size_t cols, size_t m) noexcept {
  V acc[kRows][kWide];
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t j = 0; j < kWide; ++j) acc[r][j] = V::load_n(dw + r * cols + 16 * j, j + 1 < kWide ? 16 : m);
  }
  for (size_t t = 0; t < n_tokens; ++t) {
    V value[kWide];
    for (size_t j = 0; j < kWide; ++j) value[j] = V::load(x + t * x_stride + 16 * j);
    for (size_t r = 0; r < kRows; ++r) {
      const V factor = V::set(dy[t * dy_stride + r]);
      for (size_t j = 0; j < kWide; ++j) acc[r][j] = fma(factor, value[j], acc[r][j]);
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t j = 0; j < kWide; ++j) acc[r][j].store_n(dw + r * cols + 16 * j, j + 1 < kWide ? 16 : m);
  }
}

// `width` <= kOuterCols columns of dw; the panel's rows are kOuterCols long, zeros behind `width`.
template <class V, size_t kRows>
void outer_rows(const typename V::Real* dy, size_t dy_stride, const typename V::Real* panel, size_t n_tokens,
                typename V::Real* dw, size_t cols, size_t width) noexcept {
  constexpr size_t kTile = 16 * V::kRowTile;
  size_t at = 0;
  for (; at + kTile <= width; at += kTile) {
    outer_tile<V, kRows, V::kRowTile>(dy, dy_stride, panel + at, kOuterCols, n_tokens, dw + at, cols, 16);
  }
  for (; at < width; at += 16) {
    const size_t m = width - at < 16 ? width - at : 16;
    outer_tile<V, kRows, 1>(dy, dy_stride, panel + at, kOuterCols, n_tokens, dw + at, cols, m);
  }
}

template <class V>
void outer_accumulate(const typename V::Real* dy, size_t dy_stride, const typename V::Real* x, size_t x_stride,
                      size_t n_tokens, typename V::Real* dw, size_t n_rows, size_t cols) noexcept {
  typename V::Real panel[kOuterTokens * kOuterCols];
  for (size_t at = 0; at < cols; at += kOuterCols) {
    const size_t width = cols - at < kOuterCols ? cols - at : kOuterCols;
    for (size_t first = 0; first < n_tokens; first += kOuterTokens) {
      const size_t count = n_tokens - first < kOuterTokens ? n_tokens - first : kOuterTokens;
      for (size_t t = 0; t < count; ++t) {
        for (size_t i = 0; i < width; i += 16) {
          V::load_n(x + (first + t) * x_stride + at + i, width - i < 16 ? width - i : 16)
              .store(panel + t * kOuterCols + i);
        }
      }
      const typename V::Real* from = dy + first * dy_stride;
      size_t r = 0;
      for (; r + kOuterRows <= n_rows; r += kOuterRows) {
        outer_rows<V, kOuterRows>(from + r, dy_stride, panel, count, dw + r * cols + at, cols, width);
      }
      for (; r < n_rows; ++r) outer_rows<V, 1>(from + r, dy_stride, panel, count, dw + r * cols + at, cols, width);
    }
  }
}

}  // namespace
}  // namespace kinglet::kernels
