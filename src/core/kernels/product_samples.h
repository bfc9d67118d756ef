// Random weights and activations for tests and benchmarks of products.
#pragma once

#include <cstring>
#include <vector>

#include "core/base/base.h"
#include "core/quant/quant.h"
#include "core/quant/random_blocks.h"

namespace kinglet::kernels {

/// Rows of encoded random values of one format. Every block has scales of its own, so that a product which takes the
/// wrong one shows. Formats that cannot be encoded have random
/// blocks.
inline std::vector<std::byte> random_weight(const quant::Format& format, size_t rows, size_t cols, uint64_t seed) {
  Philox random(seed);
  std::vector<float> values(rows * cols);
  for (size_t i = 0; i < values.size(); ++i) {
    const float size = 0.02F + static_cast<float>((i / 16) % 7) * 0.05F;
    values[i] = (random.next_float() * 2.0F - 1.0F) * size + (i / 32 % 3 == 0 ? 0.03F : 0.0F);
  }
  std::vector<std::byte> bytes(rows * format.row_bytes(cols));
  if (format.encode == nullptr) {
    quant::draw_blocks(format, 0.5F, random, bytes);
  } else {
    format.encode(values.data(), nullptr, bytes.data(), values.size());
  }
  return bytes;
}

/// Activations with rows of zeros and large values among them.
inline std::vector<float> random_rows(size_t rows, size_t cols, uint64_t seed) {
  Philox random(seed);
  std::vector<float> values(rows * cols);
  for (size_t i = 0; i < values.size(); ++i) {
    const float size = i / 32 % 11 == 10 ? 0.0F : i % 97 == 0 ? 30.0F : 1.0F;
    values[i] = (random.next_float() * 2.0F - 1.0F) * size;
  }
  return values;
}

}  // namespace kinglet::kernels
