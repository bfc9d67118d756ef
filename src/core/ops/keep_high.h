// keep_high: of each row the part of its elements that stand out, all others zero (Gemma 3n's sparse activations).
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// x [T, D] -> max(0, x - (mean + deviations * standard deviation)), both of the row, the latter of the population.
ir::Value keep_high(ir::Builder& b, ir::Value x, float deviations);

}  // namespace kinglet::ops
