// expert_linear: y = x W_e^T (+ b_e), each sorted row by the matrix of its own expert.
#pragma once

#include <optional>

#include "core/ops/expert_rows.h"

namespace kinglet::ops {

/// The rows of each expert's matrix that take part: [first, first + n) of the `per_expert` that it has.
struct ExpertPart {
  size_t per_expert;
  size_t first;
  size_t n;
};

/// x [T n_used, K] sorted, weight [E per_expert, K] -> [T n_used, n]. bias: F32 [E, per_expert] or none. The weights of
/// an expert are read once a run, those of an expert without rows never.
ir::Value expert_linear(ir::Builder& b, ir::Value x, const ExpertRows& rows, ir::WeightId weight, ExpertPart part,
                        std::optional<ir::WeightId> bias = std::nullopt);

bool is_expert_linear(const ir::Node& node) noexcept;

}  // namespace kinglet::ops
