// linear: y = x W^T (+ b) (+ residual), several weights of one x at once, and the products of its gradient.
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// x [T, K], weight [N, K] -> [T, N]. bias: [N] or none. Adapters of the weight (Graph::add_adapter) are part of it: of
/// a sequence that wants them (SequenceRows::adapters) the rows are those of adapt.h, of others the same as without.
ir::Value linear(ir::Builder& b, ir::Value x, ir::WeightId weight, std::optional<ir::WeightId> bias = std::nullopt);

/// The same without regard to adapters.
ir::Value plain_linear(ir::Builder& b, ir::Value x, ir::WeightId weight,
                       std::optional<ir::WeightId> bias = std::nullopt);
/// Adds the node of a bias's gradient [1, N]: the sum of dy [T, N] over rows.
void bias_gradient(ir::Builder& b, ir::Value dy, ir::WeightId bias);

/// Whether a node is a linear without bias and residual: what lowering may group and fuse.
bool is_plain_linear(const ir::Node& node);
/// Whether a node is a linear of any kind.
bool is_linear(const ir::Node& node) noexcept;

/// After lowering: the weights of several plain linears over the same x, in one stage. Outputs in the same order.
ir::Node grouped_linear(ir::Value x, const std::vector<const ir::Node*>& members);
/// After lowering: a linear with one weight, to whose result `residual` [T, N] is added; `output` is the sum's value.
ir::Node residual_linear(const ir::Node& linear, ir::Value residual, ir::Value output);

/// Weight rows that one piece of work takes, for products with this format.
size_t product_granule(const quant::Format& format, const kernels::KernelTable& table) noexcept;

/// Rows [row_begin, row_end) of a weight times all rows of x (plain or encoded as the format wants): into y.
void product_rows(const Run<float>& run, const quant::Weight& weight, ir::Value x, size_t row_begin, size_t row_end,
                  float* y, size_t y_stride, std::byte* scratch) noexcept;

}  // namespace kinglet::ops
