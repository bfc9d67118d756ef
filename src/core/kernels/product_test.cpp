// Every table's products and encoders give the scalar bits.
#include <gtest/gtest.h>

#include <cstring>

#include "core/kernels/kernels.h"
#include "core/kernels/product_samples.h"
#include "core/kernels/select.h"
#include "core/tensor/tensor.h"

namespace kinglet::kernels {
namespace {

std::vector<KernelTable> wide_tables() {
  std::vector<KernelTable> tables;
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512, Isa::kNeon}) {
    if (const auto table = select(detect(), isa)) tables.push_back(*table);
  }
  return tables;
}

const KernelTable& scalar() {
  static const KernelTable table = *select(detect(), Isa::kScalar);
  return table;
}

std::vector<const quant::Format*> multiplied_formats() {
  std::vector<const quant::Format*> formats;
  for (const quant::Format& format : quant::formats()) {
    if (scalar().product(format).few != nullptr) formats.push_back(&format);
  }
  return formats;
}

// Activation rows as the format wants them, 64-byte aligned.
struct Encoded {
  Encoded(const KernelTable& table, quant::Activation activation, const std::vector<float>& values, size_t n,
          size_t cols)
      : bytes(tensor::Buffer::uninitialized(n * quant::encoded_layout(activation, cols).row_bytes)),
        rows{bytes.data(), quant::encoded_layout(activation, cols).row_bytes, n} {
    std::memset(bytes.data(), 0, bytes.size_bytes());
    if (activation == quant::Activation::kF32) {
      for (size_t t = 0; t < n; ++t) std::memcpy(bytes.data() + t * rows.row_bytes, &values[t * cols], cols * 4);
    } else {
      (activation == quant::Activation::kQ8 ? table.encode_q8 : table.encode_q8k)(values.data(), cols, n, cols,
                                                                                  bytes.data());
    }
  }
  tensor::Buffer bytes;
  ActivationRows rows;
};

constexpr float kCanary = 12345.0F;

std::vector<float> run(const KernelTable& table, const quant::Format& format, bool few, const WeightRows& w,
                       const ActivationRows& x) {
  const ProductKernels& kernels = table.product(format);
  const size_t stride = w.n_rows + 3;
  std::vector<float> y(x.n_rows * stride, kCanary);
  auto scratch = tensor::Buffer::uninitialized(kernels.scratch_bytes(w.cols));
  (few ? kernels.few : kernels.many)(w, x, y.data(), stride, scratch.data());
  for (size_t t = 0; t < x.n_rows; ++t) {
    for (size_t r = w.n_rows; r < stride; ++r) EXPECT_EQ(y[t * stride + r], kCanary) << "written past row " << t;
  }
  return y;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(Products, EveryTableGivesTheScalarBits) {
  constexpr size_t kRows[] = {1, 7, 16, 19, 45};
  constexpr size_t kTokens[] = {1, 2, 3, 5, 8, 9, 13};
  for (const quant::Format* format : multiplied_formats()) {
    for (const size_t cols :
         {format->block_len, 3 * format->block_len, format->block_len == 1 ? size_t{77} : size_t{768}}) {
      for (const size_t n_rows : kRows) {
        // One byte off: a file aligns tensors, not rows.
        const std::vector<std::byte> blocks = random_weight(*format, n_rows, cols, n_rows * 100 + cols);
        std::vector<std::byte> shifted(blocks.size() + 2);
        std::memcpy(shifted.data() + 2, blocks.data(), blocks.size());
        const WeightRows w{shifted.data() + 2, format->row_bytes(cols), n_rows, cols};
        for (const size_t n_tokens : kTokens) {
          const Encoded x(scalar(), format->activation, random_rows(n_tokens, cols, n_tokens), n_tokens, cols);
          const std::vector<float> expected = run(scalar(), *format, true, w, x.rows);
          for (const KernelTable& table : wide_tables()) {
            ASSERT_TRUE(same_bits(run(table, *format, true, w, x.rows), expected))
                << table.name << " few " << format->name << " " << n_rows << " x " << cols << " by " << n_tokens;
            ASSERT_TRUE(same_bits(run(table, *format, false, w, x.rows), expected))
                << table.name << " many " << format->name << " " << n_rows << " x " << cols << " by " << n_tokens;
          }
        }
      }
    }
  }
}

// The largest codes and activations: sums of 16 bits must not saturate.
TEST(Products, ExtremeCodesGiveTheScalarBits) {
  for (const quant::Format* format : multiplied_formats()) {
    if (format->activation == quant::Activation::kF32) continue;
    constexpr size_t kCols = 512;
    for (const auto fill : {std::byte{0xFF}, std::byte{0x00}, std::byte{0x80}, std::byte{0x7F}}) {
      std::vector<std::byte> blocks = random_weight(*format, 16, kCols, 5);
      // All bytes but those of the f16 scales, which are kept by writing every block's middle.
      const size_t margin = 8;
      for (size_t at = 0; at < blocks.size(); at += format->block_bytes) {
        std::fill_n(blocks.begin() + static_cast<std::ptrdiff_t>(at + margin), format->block_bytes - 2 * margin + 4,
                    fill);
      }
      const WeightRows w{blocks.data(), format->row_bytes(kCols), 16, kCols};
      for (const float sign : {1.0F, -1.0F}) {
        std::vector<float> values(9 * kCols, sign);
        const Encoded x(scalar(), format->activation, values, 9, kCols);
        const std::vector<float> expected = run(scalar(), *format, true, w, x.rows);
        for (const KernelTable& table : wide_tables()) {
          EXPECT_TRUE(same_bits(run(table, *format, true, w, x.rows), expected)) << table.name << " " << format->name;
          EXPECT_TRUE(same_bits(run(table, *format, false, w, x.rows), expected)) << table.name << " " << format->name;
        }
      }
    }
  }
}

TEST(Products, EncodersGiveTheScalarBits) {
  constexpr size_t kCols = 768;
  std::vector<float> values = random_rows(5, kCols, 3);
  for (size_t i = 0; i < 256; ++i) values[i] = 0.0F;
  for (size_t i = 0; i < 256; ++i) values[kCols + i] = 1e-42F;                                    // inverse is infinite
  for (size_t i = 0; i < 256; ++i) values[2 * kCols + i] = static_cast<float>(i % 255) - 127.0F;  // ties
  for (size_t i = 0; i < 32; ++i) values[3 * kCols + i] = i == 0 ? 127.0F : static_cast<float>(i) + 0.5F;
  for (const auto activation : {quant::Activation::kQ8, quant::Activation::kQ8K}) {
    const Encoded expected(scalar(), activation, values, 5, kCols);
    for (const KernelTable& table : wide_tables()) {
      const Encoded got(table, activation, values, 5, kCols);
      EXPECT_EQ(std::memcmp(got.bytes.data(), expected.bytes.data(), got.bytes.size_bytes()), 0) << table.name;
    }
  }
}

TEST(Products, TransposedGivesTheScalarBits) {
  for (const quant::Format* format : multiplied_formats()) {
    const size_t cols = format->block_len == 1 ? 333 : 512;
    constexpr size_t kRows = 70;
    const std::vector<std::byte> blocks = random_weight(*format, kRows, cols, 11);
    const WeightRows w{blocks.data(), format->row_bytes(cols), kRows, cols};
    for (const size_t n_tokens : {1U, 4U, 7U}) {
      const std::vector<float> dy = random_rows(n_tokens, kRows, 4);
      const auto dx = [&](const KernelTable& table) {
        std::vector<float> out = random_rows(n_tokens, cols, 6);
        auto scratch = tensor::Buffer::uninitialized(table.product(*format).scratch_bytes(cols));
        table.product(*format).transposed(w, dy.data(), kRows, n_tokens, out.data(), cols, scratch.data());
        return out;
      };
      const std::vector<float> expected = dx(scalar());
      for (const KernelTable& table : wide_tables()) {
        EXPECT_TRUE(same_bits(dx(table), expected)) << table.name << " " << format->name << " by " << n_tokens;
      }
    }
  }
}

}  // namespace
}  // namespace kinglet::kernels
