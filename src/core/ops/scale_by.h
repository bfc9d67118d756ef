// scale_by: each stretch of a row times a vector of the model, or a row times one number of it.
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// x [T, n D], weight [D] -> the same: y[i] = x[i] weight[i mod D].
ir::Value scale_by(ir::Builder& b, ir::Value x, ir::WeightId weight);

}  // namespace kinglet::ops
