// ssm_scan: a state of each head that fades, takes in its input and is read, all by numbers of the row (Mamba-2, Dao
// and Gu, arXiv 2405.21060).
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

struct SsmHeads {
  size_t n_heads;   ///< A multiple of n_groups; head h is of group h / (n_heads / n_groups).
  size_t n_groups;  ///< Heads of a group share B and C.
  size_t head_dim;
  size_t state_dim;
};

/// xbc [T, x of all heads | B of all groups | C of all groups], step [T, heads]; step_bias, rate (< 0) and through
/// [heads] -> y [T, heads, head_dim]. Row by row, for each head with its state S [head_dim, state_dim], zeros at first,
/// and s = softplus(step + step_bias):
///   S = exp(rate s) S + s x B^T; y = S C + through x.
/// A sequence keeps S of all heads.
struct SsmWeights {
  ir::WeightId step_bias, rate, through;
};
ir::Value ssm_scan(ir::Builder& b, ir::Value xbc, ir::Value step, const SsmWeights& weights, SsmHeads heads);

}  // namespace kinglet::ops
