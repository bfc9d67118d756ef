// Reads a weight that is one row of F32 (a norm's or a bias's) in the precision of the run.
#pragma once

#include <type_traits>

#include "core/ops/op.h"

namespace kinglet::ops {

/// Weight i of the node as Real: in place for f32, copied into `room` (cols elements) for f64.
template <class Real>
const Real* vector_weight(const Run<Real>& run, size_t i, Real* room) noexcept {
  const quant::Weight& weight = run.weight(i);
  const auto* values = reinterpret_cast<const float*>(weight.data);
  if constexpr (std::is_same_v<Real, float>) {
    return values;
  } else {
    for (size_t k = 0; k < weight.cols; ++k) room[k] = static_cast<Real>(values[k]);
    return room;
  }
}

/// Stops where the description of a model gives a vector weight that is not one row of F32; loading has made it so.
inline void check_vector_weight(const quant::Weight& weight, size_t cols) {
  KINGLET_CHECK(weight.rows == 1 && weight.cols == cols && weight.format->name == "F32",
                "a vector weight is one F32 row");
}

/// Scratch for one vector weight: none in f32, a copy in f64.
inline size_t vector_weight_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  if (real_bytes == sizeof(float) || shape.node.weights.empty()) return 0;
  return shape.graph.weight(shape.node.weights[0]).cols * real_bytes;
}

}  // namespace kinglet::ops
