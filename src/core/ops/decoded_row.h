// A weight's row in double: what gradients are checked against.
#pragma once

#include <algorithm>

#include "core/ops/op.h"

namespace kinglet::ops {

/// Row r of a weight, decoded into `scratch` (decoded_row_bytes).
inline const double* decoded_row(const quant::Weight& weight, size_t r, std::byte* scratch) noexcept {
  auto* row = reinterpret_cast<double*>(scratch);
  auto* decoded = reinterpret_cast<float*>(row + weight.cols);
  weight.format->decode(weight.row(r), decoded, weight.cols);
  std::copy_n(decoded, weight.cols, row);
  return row;
}

inline size_t decoded_row_bytes(const quant::Weight& weight) noexcept {
  return weight.cols * (sizeof(double) + sizeof(float));
}

/// Scratch of a product with weight i of the node, in either precision.
inline size_t product_scratch_of(const NodeShape& shape, size_t i, size_t real_bytes) noexcept {
  const quant::Weight& weight = shape.graph.weight(shape.node.weights[i]);
  if (real_bytes == sizeof(float)) return shape.table.product(*weight.format).scratch_bytes(weight.cols);
  return decoded_row_bytes(weight);
}

/// The same with the node's first weight.
inline size_t product_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  return product_scratch_of(shape, 0, real_bytes);
}

}  // namespace kinglet::ops
