// expert_linear: y = x W_e^T (+ b_e), each sorted row by the matrix of its own expert.
#pragma once

#include <optional>
#include <vector>

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

/// Whether a node is an expert_linear of any kind.
bool is_expert_linear(const ir::Node& node) noexcept;
/// Whether a node is one without bias and of one weight: what lowering may fuse with an activation.
bool is_plain_expert_linear(const ir::Node& node) noexcept;

/// After lowering: the weights of several over the same sorted rows in one stage, all with a bias or none. Outputs in
/// the same order.
ir::Node grouped_expert_linear(const std::vector<const ir::Node*>& members);
/// After lowering: gated over two plain ones of the same sorted rows, without storing the gate. `gated` is the node to
/// replace.
ir::Node gated_expert_linear(const ir::Node& gated, const ir::Node& gate, const ir::Node& up);

}  // namespace kinglet::ops
