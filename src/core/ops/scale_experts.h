// scale_experts: what experts gave, each times a number of its own.
#pragma once

#include "core/ops/expert_rows.h"

namespace kinglet::ops {

/// y [T n_used, D] sorted by expert -> the same, times weight [1, E] of the row's expert.
ir::Value scale_experts(ir::Builder& b, ir::Value y, const ExpertRows& rows, ir::WeightId weight);

}  // namespace kinglet::ops
