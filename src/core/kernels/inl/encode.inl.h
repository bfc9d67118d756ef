// Encoding of activation rows, the same bits as quant::encode_activation.
#pragma once

#include "core/kernels/inl/rows.inl.h"
#include "core/kernels/product.h"
#include "core/quant/encoded.h"

namespace kinglet::kernels {
namespace {

// 1 / scale, 0 where that is infinite (or the scale 0).
inline float inverse_of(float scale) noexcept {
  const float inverse = scale != 0.0F ? 1.0F / scale : 0.0F;
  return inverse <= 3.402823466e+38F ? inverse : 0.0F;
}

// The codes of `len` values and their scale. Values times the inverse lie within 127.0001 of zero: rounding brings them
// to at most 127.
template <class V>
float encode_block(const float* x, size_t len, int8_t* codes) noexcept {
  V peak = V::zero();
  for (size_t i = 0; i < len; i += 16) peak = max(peak, absolute(V::load(x + i)));
  const float scale = highest(peak) / 127.0F;
  const V inverse = V::set(inverse_of(scale));
  for (size_t i = 0; i < len; i += 16) (V::load(x + i) * inverse).store_i8(codes + i);
  return scale;
}

template <class V>
void encode_q8(const float* x, size_t x_stride, size_t n_rows, size_t cols, std::byte* out) noexcept {
  const quant::EncodedLayout layout = quant::encoded_layout(quant::Activation::kQ8, cols);
  for (size_t t = 0; t < n_rows; ++t, x += x_stride, out += layout.row_bytes) {
    auto* codes = reinterpret_cast<int8_t*>(out);
    auto* scales = reinterpret_cast<float*>(out + layout.scale_offset);
    auto* sums = reinterpret_cast<int32_t*>(out + layout.sum_offset);
    auto* scaled_sums = reinterpret_cast<float*>(out + layout.scaled_sum_offset);
    for (size_t b = 0; b < cols / 32; ++b) {
      scales[b] = encode_block<V>(x + b * 32, 32, codes + b * 32);
      sums[b] = V::sum_i8(codes + b * 32) + V::sum_i8(codes + b * 32 + 16);
      scaled_sums[b] = scales[b] * static_cast<float>(sums[b]);
    }
  }
}

template <class V>
void encode_q8k(const float* x, size_t x_stride, size_t n_rows, size_t cols, std::byte* out) noexcept {
  const quant::EncodedLayout layout = quant::encoded_layout(quant::Activation::kQ8K, cols);
  for (size_t t = 0; t < n_rows; ++t, x += x_stride, out += layout.row_bytes) {
    auto* codes = reinterpret_cast<int8_t*>(out);
    auto* scales = reinterpret_cast<float*>(out + layout.scale_offset);
    auto* sums = reinterpret_cast<int16_t*>(out + layout.sum_offset);
    for (size_t b = 0; b < cols / 256; ++b) scales[b] = encode_block<V>(x + b * 256, 256, codes + b * 256);
    for (size_t g = 0; g < cols / 16; ++g) sums[g] = static_cast<int16_t>(V::sum_i8(codes + g * 16));
  }
}

}  // namespace
}  // namespace kinglet::kernels
