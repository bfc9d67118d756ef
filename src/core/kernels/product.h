// Products of weights with activation rows: y[t, r] = sum over k of w[r, k] * x[t, k].
//
// Order of sums, the same in `few` and `many` of a table and in all tables (so their results are equal bit for bit):
// - Formats with encoded activations: within a block (super-block for K formats) the integer sum is exact. Over blocks,
//   in block order, acc = fma(w_scale * x_scale, float(integer sum), acc). Formats with a minimum follow each of these
//   with a second fma: blocks of 32 with acc = fma(w_min, x_scaled_sum, acc); K formats with acc = fma(-(w_min_scale *
//   x_scale), float(sum over groups of minimum times sum of codes), acc). acc starts at 0. w_scale is the format's f16
//   scale as f32; products and fma round once each. NVFP4, whose scales are of 16 elements, does this for each 16.
// - Float formats (f32 activations): 16 partial sums, partial j takes k = j, j + 16, ... by fma in order (a tail
// shorter
//   than 16 counts as zeros), then the tree s[j] += s[j + 8], then + 4, + 2, + 1.
#pragma once

#include <cstddef>

#include "core/quant/quant.h"

namespace kinglet::kernels {

/// Consecutive rows of a weight. `cols` is a multiple of the format's block length.
struct WeightRows {
  const std::byte* data;
  size_t row_bytes;
  size_t n_rows;
  size_t cols;
};

/// Activation rows in the layout of quant::encoded_layout; for Activation::kF32 plain f32 rows. Each row starts at a
/// multiple of 4 bytes (kF32) or 64 bytes (encoded).
struct ActivationRows {
  const std::byte* data;
  size_t row_bytes;  ///< Distance between rows.
  size_t n_rows;
};

/// y[t * y_stride + r], r < w.n_rows, t < x.n_rows. `scratch` has at least scratch_bytes(w.cols) bytes, 64-byte
/// aligned, and may be shared with nobody during the call. y overlaps nothing.
using ProductFn = void (*)(const WeightRows& w, const ActivationRows& x, float* y, size_t y_stride,
                           std::byte* scratch) noexcept;

/// dx[t, k] += sum over r of dy[t * dy_stride + r] * w[r, k], in the order of r: one fma per r on f32 values decoded
/// from w. `scratch` as above.
using TransposedFn = void (*)(const WeightRows& w, const float* dy, size_t dy_stride, size_t n_tokens, float* dx,
                              size_t dx_stride, std::byte* scratch) noexcept;

/// Rows x [n_rows, cols] (f32, row distance x_stride elements) to encoded rows at `out` (layout of
/// quant::encoded_layout).
using EncodeFn = void (*)(const float* x, size_t x_stride, size_t n_rows, size_t cols, std::byte* out) noexcept;

/// The products of one weight format.
struct ProductKernels {
  ProductFn few =
      nullptr;  ///< Each weight block is read once for up to kFewRows rows of x; more rows are done in groups.
  ProductFn many = nullptr;  ///< Any number of rows; the panel of weight rows is unpacked once for all of them.
  TransposedFn transposed = nullptr;
  size_t (*scratch_bytes)(size_t cols) noexcept = nullptr;  ///< Enough for each of the three.
  size_t panel_rows = 1;  ///< `many` works best on a multiple of this number of weight rows.
};

/// Up to this many activation rows `few` is the faster one.
inline constexpr size_t kFewRows = 8;

}  // namespace kinglet::kernels
