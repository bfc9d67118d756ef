// Products as product.h defines them, one weight row at a time.
#include <math.h>

#include <type_traits>

#include "core/kernels/scalar/product_blocks.h"
#include "core/kernels/scalar/product_table.h"

namespace kinglet::kernels {
namespace {

// The parts of one encoded activation row that products with blocks of 32 read.
struct Q8Row {
  const int8_t* codes;
  const float* scales;
  const float* scaled_sums;
};

// The same for super-blocks of 256.
struct Q8KRow {
  const int8_t* codes;
  const float* scales;
  const int16_t* sums;  // of each 16 codes
};

template <class Row>
Row encoded_row(const ActivationRows& x, size_t t, size_t cols) noexcept {
  const std::byte* row = x.data + t * x.row_bytes;
  const auto* codes = reinterpret_cast<const int8_t*>(row);
  if constexpr (std::is_same_v<Row, Q8Row>) {
    const quant::EncodedLayout layout = quant::encoded_layout(quant::Activation::kQ8, cols);
    return {codes, reinterpret_cast<const float*>(row + layout.scale_offset),
            reinterpret_cast<const float*>(row + layout.scaled_sum_offset)};
  } else {
    const quant::EncodedLayout layout = quant::encoded_layout(quant::Activation::kQ8K, cols);
    return {codes, reinterpret_cast<const float*>(row + layout.scale_offset),
            reinterpret_cast<const int16_t*>(row + layout.sum_offset)};
  }
}

template <bool kMinimum>
float step(float acc, const Codes32& w, const Q8Row& x, size_t block) noexcept {
  int32_t sum = 0;
  for (size_t i = 0; i < 32; ++i) sum += w.codes[i] * x.codes[block * 32 + i];
  acc = fmaf(w.d * x.scales[block], static_cast<float>(sum), acc);
  if constexpr (kMinimum) acc = fmaf(w.m, x.scaled_sums[block], acc);
  return acc;
}

// Groups of 16 with a scale each, two for a block of activations.
template <bool kMinimum>
float step(float acc, const Codes64& w, const Q8Row& x, size_t block) noexcept {
  for (size_t g = 0; g < 4; ++g) {
    int32_t sum = 0;
    for (size_t i = g * 16; i < (g + 1) * 16; ++i) sum += w.codes[i] * x.codes[block * 64 + i];
    acc = fmaf(w.d[g] * x.scales[block * 2 + g / 2], static_cast<float>(sum), acc);
  }
  return acc;
}

// |scale| <= 128, |code| <= 32 (or 31 times 63, or 32 times 127), |activation| <= 127: 256 of them stay below 2^28.
template <bool kMinimum>
float step(float acc, const Codes256& w, const Q8KRow& x, size_t block) noexcept {
  int32_t sum = 0;
  int32_t of_minima = 0;
  for (size_t g = 0; g < 16; ++g) {
    int32_t group = 0;
    for (size_t i = g * 16; i < (g + 1) * 16; ++i) group += w.codes[i] * x.codes[block * 256 + i];
    sum += w.scales[g] * group;
    of_minima += w.minima[g] * x.sums[block * 16 + g];
  }
  acc = fmaf(w.d * x.scales[block], static_cast<float>(sum), acc);
  if constexpr (kMinimum) acc = fmaf(-(w.dmin * x.scales[block]), static_cast<float>(of_minima), acc);
  return acc;
}

template <class Block, size_t kLen, bool kMinimum>
void product(const WeightRows& w, const ActivationRows& x, float* y, size_t y_stride, std::byte* /*scratch*/) noexcept {
  using Row = std::conditional_t<kLen == 256, Q8KRow, Q8Row>;
  for (size_t r = 0; r < w.n_rows; ++r) {
    const auto* blocks = reinterpret_cast<const Block*>(w.data + r * w.row_bytes);
    for (size_t t = 0; t < x.n_rows; ++t) y[t * y_stride + r] = 0.0F;
    for (size_t block = 0; block < w.cols / kLen; ++block) {
      const auto codes = codes_of(blocks[block]);
      for (size_t t = 0; t < x.n_rows; ++t) {
        float& acc = y[t * y_stride + r];
        acc = step<kMinimum>(acc, codes, encoded_row<Row>(x, t, w.cols), block);
      }
    }
  }
}

// The f32 value of element k of a row in a float format.
float element_f32(const std::byte* row, size_t k) noexcept {
  float value;
  memcpy(&value, row + k * 4, 4);
  return value;
}
template <float (*to_f32)(uint16_t) noexcept>
float element_half(const std::byte* row, size_t k) noexcept {
  uint16_t bits;
  memcpy(&bits, row + k * 2, 2);
  return to_f32(bits);
}

template <float (*element)(const std::byte*, size_t) noexcept>
void float_product(const WeightRows& w, const ActivationRows& x, float* y, size_t y_stride,
                   std::byte* /*scratch*/) noexcept {
  for (size_t t = 0; t < x.n_rows; ++t) {
    const auto* values = reinterpret_cast<const float*>(x.data + t * x.row_bytes);
    for (size_t r = 0; r < w.n_rows; ++r) {
      const std::byte* row = w.data + r * w.row_bytes;
      float parts[16] = {};
      for (size_t k = 0; k < w.cols; ++k) parts[k % 16] = fmaf(element(row, k), values[k], parts[k % 16]);
      for (size_t half = 8; half > 0; half /= 2) {
        for (size_t j = 0; j < half; ++j) parts[j] += parts[j + half];
      }
      y[t * y_stride + r] = parts[0];
    }
  }
}

template <auto make_format>
void transposed(const WeightRows& w, const float* dy, size_t dy_stride, size_t n_tokens, float* dx, size_t dx_stride,
                std::byte* scratch) noexcept {
  auto* row_K = reinterpret_cast<float*>(scratch);
  const quant::Format format = make_format();
  for (size_t r = 0; r < w.n_rows; ++r) {
    format.decode(w.data + r * w.row_bytes, row_K, w.cols);
    for (size_t t = 0; t < n_tokens; ++t) {
      const float factor = dy[t * dy_stride + r];
      float* out = dx + t * dx_stride;
      for (size_t k = 0; k < w.cols; ++k) out[k] = fmaf(factor, row_K[k], out[k]);
    }
  }
}

size_t one_row(size_t cols) noexcept { return (cols * sizeof(float) + 63) / 64 * 64; }

template <auto make_format>
void set(KernelTable& table, ProductFn product) noexcept {
  const quant::Format* format = quant::find_by_gguf_id(make_format().gguf_id);
  table.products[quant::index_of(*format)] = {product, product, transposed<make_format>, one_row, 1};
}

template <quant::Activation kActivation>
void encode(const float* x, size_t x_stride, size_t n_rows, size_t cols, std::byte* out) noexcept {
  const size_t row_bytes = quant::encoded_layout(kActivation, cols).row_bytes;
  for (size_t t = 0; t < n_rows; ++t)
    quant::encode_activation(kActivation, x + t * x_stride, cols, out + t * row_bytes);
}

}  // namespace

void fill_scalar_products(KernelTable& table) noexcept {
  set<quant::f32>(table, float_product<element_f32>);
  set<quant::f16>(table, float_product<element_half<quant::f16_to_f32>>);
  set<quant::bf16>(table, float_product<element_half<quant::bf16_to_f32>>);
  set<quant::q4_0>(table, product<quant::BlockQ4_0, 32, false>);
  set<quant::q4_1>(table, product<quant::BlockQ4_1, 32, true>);
  set<quant::q5_0>(table, product<quant::BlockQ5_0, 32, false>);
  set<quant::q5_1>(table, product<quant::BlockQ5_1, 32, true>);
  set<quant::q8_0>(table, product<quant::BlockQ8_0, 32, false>);
  set<quant::q2_k>(table, product<quant::BlockQ2K, 256, true>);
  set<quant::q3_k>(table, product<quant::BlockQ3K, 256, false>);
  set<quant::q4_k>(table, product<quant::BlockQ4K, 256, true>);
  set<quant::q5_k>(table, product<quant::BlockQ5K, 256, true>);
  set<quant::q6_k>(table, product<quant::BlockQ6K, 256, false>);
  set<quant::iq1_s>(table, product<quant::BlockIQ1S, 256, false>);
  set<quant::iq1_m>(table, product<quant::BlockIQ1M, 256, false>);
  set<quant::iq2_xxs>(table, product<quant::BlockIQ2XXS, 256, false>);
  set<quant::iq2_xs>(table, product<quant::BlockIQ2XS, 256, false>);
  set<quant::iq2_s>(table, product<quant::BlockIQ2S, 256, false>);
  set<quant::iq3_xxs>(table, product<quant::BlockIQ3XXS, 256, false>);
  set<quant::iq3_s>(table, product<quant::BlockIQ3S, 256, false>);
  set<quant::iq4_xs>(table, product<quant::BlockIQ4XS, 256, false>);
  set<quant::tq1_0>(table, product<quant::BlockTQ1_0, 256, false>);
  set<quant::tq2_0>(table, product<quant::BlockTQ2_0, 256, false>);
  set<quant::iq4_nl>(table, product<quant::BlockIQ4NL, 32, false>);
  set<quant::mxfp4>(table, product<quant::BlockMXFP4, 32, false>);
  set<quant::nvfp4>(table, product<quant::BlockNVFP4, 64, false>);
  table.encode_q8 = encode<quant::Activation::kQ8>;
  table.encode_q8k = encode<quant::Activation::kQ8K>;
}

}  // namespace kinglet::kernels
