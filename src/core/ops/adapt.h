// adapt: what low-rank adapters make of a product, row by row for the sequences that want them (LoRA, arXiv 2106.09685;
// DoRA, arXiv 2402.09353).
//
// With u = A x, the product y = W x becomes y + c scale B u. With a magnitude m and lengths l of the rows of
// W + scale B A it becomes y + c (g (y + scale B u) - y), g = m / l. c is the sequence's own factor
// (SequenceRows::adapters), so several adapters add up and one with factor 0 does nothing at all. The lengths count as
// constants for the gradient, as in PEFT.
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// y [T, N], the product without its bias; x [T, K], what it is the product of. Products with A are linears of their
/// own, which lowering groups. The bias comes last.
ir::Value adapt(ir::Builder& b, ir::Value y, ir::Value x, const std::vector<ir::Adapter>& adapters,
                std::optional<ir::WeightId> bias);

}  // namespace kinglet::ops
