// delta_net: a memory of each head that fades and is corrected by what it gets wrong, read by queries (Gated Delta
// Networks, Yang et al. arXiv 2412.06464).
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

struct DeltaHeads {
  size_t n_key_heads;    ///< Value head h belongs to key head h mod n_key_heads.
  size_t n_value_heads;  ///< A multiple of n_key_heads.
  size_t key_dim;
  size_t value_dim;
};

/// q, k [T, key heads, key_dim], normed as the model has it; v [T, value heads, value_dim]; step and correction
/// [T, value heads]; step_bias and rate [value heads], rate < 0 -> [T, value heads, value_dim]. Row by row, for each
/// value head with its memory S [key_dim, value_dim], zeros at first:
///   S *= exp(rate softplus(step + step_bias)); S += sigmoid(correction) k (v - S^T k)^T; y = S^T q.
/// A sequence keeps S of all heads.
struct DeltaInputs {
  ir::Value q, k, v, step, correction;
};
ir::Value delta_net(ir::Builder& b, const DeltaInputs& inputs, ir::WeightId step_bias, ir::WeightId rate,
                    DeltaHeads heads);

}  // namespace kinglet::ops
