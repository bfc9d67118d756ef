// take_columns: a part of each head of a row, for projections that hold two things side by side; join_columns: the way
// back.
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// Columns [begin, begin + n) of each of n_heads heads of head_dim columns.
struct HeadColumns {
  size_t n_heads;
  size_t head_dim;
  size_t begin;
  size_t n;
};

/// x [T, n_heads head_dim] -> [T, n_heads n].
ir::Value take_columns(ir::Builder& b, ir::Value x, HeadColumns columns);

/// parts [T, n_heads n_i] -> [T, n_heads (n_0 + n_1 + ...)]: the parts of each head side by side.
ir::Value join_columns(ir::Builder& b, const std::vector<ir::Value>& parts, size_t n_heads);

}  // namespace kinglet::ops
