// take_columns: a part of each head of a row, for projections that hold two things side by side.
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

}  // namespace kinglet::ops
