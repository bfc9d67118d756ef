// scale_rows: each row times a number of its own.
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// x [T, D], factors [T, 1] -> [T, D].
ir::Value scale_rows(ir::Builder& b, ir::Value x, ir::Value factors);

}  // namespace kinglet::ops
