// Activation rows as quantized products read them: int8 codes, scales and sums side by side in memory.
//
// Both kinds have the codes and scales of the field's block layouts (Q8_0 / Q8_1 and Q8_K), with the scale kept in f32,
// but as arrays, so that a product loads each of them with full vectors.
//   kQ8  (blocks of 32):  int8 code[cols] | f32 scale[cols/32]  | i32 sum[cols/32] | f32 scaled_sum[cols/32]
//        sum of the codes of the block; scaled_sum = scale * sum (rounded once)
//   kQ8K (blocks of 256): int8 code[cols] | f32 scale[cols/256] | i16 sum[cols/16]    sum of each 16 codes
// scale = max|x| / 127 and code = round-half-even(x * (1 / scale)), all zero where that scale is 0 or its inverse is
// infinite; codes lie in [-127, 127]. Values are finite.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/quant/format.h"

namespace kinglet::quant {

/// Where the parts of one encoded row lie, in bytes from its start. The start is 64-byte aligned.
struct EncodedLayout {
  size_t scale_offset;
  size_t sum_offset;
  size_t scaled_sum_offset;  ///< kQ8 alone.
  size_t row_bytes;          ///< Distance between rows, a multiple of 64.
};

/// The layout of rows of `cols` activations; for kF32 the row is plain f32 and the offsets are 0.
constexpr EncodedLayout encoded_layout(Activation activation, size_t cols) noexcept {
  constexpr auto align = [](size_t n) { return (n + 63) / 64 * 64; };
  if (activation == Activation::kQ8) {
    const size_t scale = align(cols);
    const size_t part = align(cols / 32 * 4);
    return {scale, scale + part, scale + 2 * part, scale + 3 * part};
  }
  if (activation == Activation::kQ8K) {
    const size_t scale = align(cols);
    const size_t sum = scale + align(cols / 256 * 4);
    return {scale, sum, 0, sum + align(cols / 16 * 2)};
  }
  return {0, 0, 0, align(cols * 4)};
}

/// Encodes one row: the definition that every kernel matches bit for bit. `out` has encoded_layout(...).row_bytes
/// bytes.
void encode_activation(Activation activation, const float* x, size_t cols, std::byte* out) noexcept;

}  // namespace kinglet::quant
