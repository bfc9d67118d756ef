// rms_norm: each row, or each head of a row, divided by its root mean square (Zhang and Sennrich, arXiv 1910.07467).
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// x [T, n D] -> the same: every stretch of D = weight.cols elements is normed with the same weight [D].
ir::Value rms_norm(ir::Builder& b, ir::Value x, ir::WeightId weight, float eps);

/// The same without a weight, over stretches of `dim` elements.
ir::Value rms_norm(ir::Builder& b, ir::Value x, size_t dim, float eps);

/// After lowering: rms_norm of whole rows, then their encoding, in one pass over a row. x [T, D] -> encoded [T, D].
ir::Value rms_norm_encode(ir::Builder& b, const ir::Node& norm, ir::Element encoding);

/// Whether a node is an rms_norm that rms_norm_encode can replace.
bool is_row_rms_norm(const ir::Graph& graph, const ir::Node& node);

}  // namespace kinglet::ops
