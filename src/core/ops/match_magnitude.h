// match_magnitude: a row stretched to the root mean square of another one.
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// x and like [T, D] -> x rms(like) / sqrt(max(mean(x^2), eps)).
ir::Value match_magnitude(ir::Builder& b, ir::Value x, ir::Value like, float eps);

}  // namespace kinglet::ops
