// gather_rows: chosen rows of a value, so that the head works only on rows that need logits.
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// x [T, D], indices i32 [L, 1] (each in [0, T)) -> [L, D].
ir::Value gather_rows(ir::Builder& b, ir::Value x, ir::Value indices);

}  // namespace kinglet::ops
