// short_conv: each column of a sequence by itself, a weighted sum of a row and the few before it (Mamba's, LFM2's and
// Qwen 3.5's causal depthwise convolution).
#pragma once

#include <optional>

#include "core/ops/op.h"

namespace kinglet::ops {

/// x [T, C], weight [C, L] of F32, bias [C] or none -> [T, C]:
/// y[t, c] = bias[c] + sum over j < L of weight[c, j] x[t - L + 1 + j, c], rows before a sequence's first being zeros.
/// A sequence keeps its last L - 1 rows of x.
ir::Value short_conv(ir::Builder& b, ir::Value x, ir::WeightId weight, std::optional<ir::WeightId> bias = std::nullopt);

}  // namespace kinglet::ops
