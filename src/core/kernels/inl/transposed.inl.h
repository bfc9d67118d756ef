// dx += dy W, for the gradient of a product's input: weight rows are decoded a panel at a time, then tiles of tokens
// and columns take them in order.
#pragma once

#include "core/kernels/inl/outer.inl.h"
#include "core/kernels/product.h"

namespace kinglet::kernels {
namespace {

constexpr size_t kTransposedRows = 64;   // weight rows decoded at once
constexpr size_t kTransposedCols = 256;  // a super-block

/// The decode function of a format.
using DecodeFn = void (*)(const std::byte* blocks, float* values, size_t n) noexcept;

template <class V>
void transposed_product(const WeightRows& w, size_t block_len, size_t block_bytes, DecodeFn decode, const float* dy,
                        size_t dy_stride, size_t n_tokens, float* dx, size_t dx_stride, std::byte* scratch) noexcept {
  auto* room = reinterpret_cast<float*>(scratch);
  for (size_t at = 0; at < w.cols; at += kTransposedCols) {
    const size_t width = w.cols - at < kTransposedCols ? w.cols - at : kTransposedCols;
    for (size_t first = 0; first < w.n_rows; first += kTransposedRows) {
      const size_t n = w.n_rows - first < kTransposedRows ? w.n_rows - first : kTransposedRows;
      for (size_t r = 0; r < n; ++r) {
        decode(w.data + (first + r) * w.row_bytes + at / block_len * block_bytes, room + r * kTransposedCols, width);
      }
      const Factors<float> factors{dy + first, dy_stride, 1};
      outer_panel<V>(factors, room, kTransposedCols, n, dx + at, dx_stride, n_tokens, width);
    }
  }
}

constexpr size_t kTransposedScratch = kTransposedRows * kTransposedCols * sizeof(float);

}  // namespace
}  // namespace kinglet::kernels
