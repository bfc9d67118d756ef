// layer_norm: each row without its mean, divided by its standard deviation (Ba et al., arXiv 1607.06450).
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// x [T, n D] -> the same: every stretch of D = weight.cols elements is normed with the same weight [D] and bias [D]
/// (or none).
ir::Value layer_norm(ir::Builder& b, ir::Value x, ir::WeightId weight, std::optional<ir::WeightId> bias, float eps);

}  // namespace kinglet::ops
