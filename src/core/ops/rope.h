// rope: rotary position embedding (Su et al., arXiv 2104.09864), as a table of angles shared by all layers and the
// turn.
#pragma once

#include <functional>
#include <vector>

#include "core/ops/op.h"

namespace kinglet::ops {

/// Turns per position of each pair, in f32 as published, and a factor on both cos and sin (yarn's and longrope's).
struct RopeFrequencies {
  std::vector<float> inverse;  ///< [n_rot / 2]; angle = position * inverse[i], in double.
  float magnitude = 1.0F;
  /// Sequences of more than `border` positions turn by other frequencies, all of their positions; 0: none does.
  size_t border = 0;
  std::function<float(size_t length, size_t pair)> inverse_beyond = {};
};

/// positions i32 [T, 1] -> [T, n_rot]: (cos, sin) of each pair. One per graph and set of frequencies. A sequence's
/// length is SequenceRows::length().
ir::Value rope_table(ir::Builder& b, ir::Value positions, RopeFrequencies frequencies);

struct RopeHeads {
  size_t n_heads;
  size_t head_dim;
  kernels::RopePairs pairs;
};

/// x [T, n_heads head_dim], table [T, n_rot] -> x with the first n_rot elements of each head turned.
ir::Value rope(ir::Builder& b, ir::Value x, ir::Value table, RopeHeads heads);

}  // namespace kinglet::ops
