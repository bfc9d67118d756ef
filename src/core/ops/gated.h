// gated: act(gate) * up, the inside of a gated feed-forward block (Shazeer, arXiv 2002.05202).
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// gate and up [T, F] -> [T, F].
ir::Value gated(ir::Builder& b, kernels::Activate kind, ir::Value gate, ir::Value up);

bool is_gated(const ir::Node& node) noexcept;
/// The activation of a gated node.
kernels::Activate gated_kind(const ir::Node& gated) noexcept;

/// After lowering: gated over two linears of the same x, without storing the gate. `gated` is the node to replace, the
/// other two the linears that make its inputs.
ir::Node gated_linear(const ir::Node& gated, const ir::Node& gate, const ir::Node& up);

}  // namespace kinglet::ops
