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

/// The factor of output row r in step t.
template <class Real>
struct Factors {
  const Real* first;
  size_t row;   ///< Elements from an output row's factor to the next row's,
  size_t step;  ///< and from a step to the next.
  [[nodiscard]] Factors from_row(size_t r) const noexcept { return {first + r * row, row, step}; }
  [[nodiscard]] Real at(size_t r, size_t t) const noexcept { return first[r * row + t * step]; }
};

// out[r][0 .. 16 kWide) += factor(r, t) * panel[t][0 .. 16 kWide) for all steps in order, r < kRows; the last vector is
// cut to m.
template <class V, size_t kRows, size_t kWide>
void outer_tile(const Factors<typename V::Real>& factors, const typename V::Real* panel, size_t panel_stride,
                size_t n_steps, typename V::Real* out, size_t out_stride, size_t m) noexcept {
  V acc[kRows][kWide];
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t j = 0; j < kWide; ++j) acc[r][j] = V::load_n(out + r * out_stride + 16 * j, j + 1 < kWide ? 16 : m);
  }
  for (size_t t = 0; t < n_steps; ++t) {
    V value[kWide];
    for (size_t j = 0; j < kWide; ++j) value[j] = V::load(panel + t * panel_stride + 16 * j);
    for (size_t r = 0; r < kRows; ++r) {
      const V factor = V::set(factors.at(r, t));
      for (size_t j = 0; j < kWide; ++j) acc[r][j] = fma(factor, value[j], acc[r][j]);
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t j = 0; j < kWide; ++j) acc[r][j].store_n(out + r * out_stride + 16 * j, j + 1 < kWide ? 16 : m);
  }
}

// `width` columns of all rows.
template <class V, size_t kRows>
void outer_columns(const Factors<typename V::Real>& factors, const typename V::Real* panel, size_t panel_stride,
                   size_t n_steps, typename V::Real* out, size_t out_stride, size_t width) noexcept {
  constexpr size_t kTile = 16 * V::kRowTile;
  size_t at = 0;
  for (; at + kTile <= width; at += kTile) {
    outer_tile<V, kRows, V::kRowTile>(factors, panel + at, panel_stride, n_steps, out + at, out_stride, 16);
  }
  for (; at < width; at += 16) {
    const size_t m = width - at < 16 ? width - at : 16;
    outer_tile<V, kRows, 1>(factors, panel + at, panel_stride, n_steps, out + at, out_stride, m);
  }
}

/// out[r][0 .. width) += sum over t of factor(r, t) * panel[t][0 .. width), r < n_rows. Rows of the panel may be read
/// to the next multiple of 16.
template <class V>
void outer_panel(const Factors<typename V::Real>& factors, const typename V::Real* panel, size_t panel_stride,
                 size_t n_steps, typename V::Real* out, size_t out_stride, size_t n_rows, size_t width) noexcept {
  size_t r = 0;
  for (; r + kOuterRows <= n_rows; r += kOuterRows) {
    outer_columns<V, kOuterRows>(factors.from_row(r), panel, panel_stride, n_steps, out + r * out_stride, out_stride,
                                 width);
  }
  for (; r < n_rows; ++r) {
    outer_columns<V, 1>(factors.from_row(r), panel, panel_stride, n_steps, out + r * out_stride, out_stride, width);
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
      const Factors<typename V::Real> factors{dy + first * dy_stride, 1, dy_stride};
      outer_panel<V>(factors, panel, kOuterCols, count, dw + at, cols, n_rows, width);
    }
  }
}

}  // namespace
}  // namespace kinglet::kernels
