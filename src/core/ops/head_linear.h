// head_linear: each head of a row by a matrix of its own, as multi-head latent attention has it (DeepSeek-AI, arXiv
// 2405.04434).
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// x [T, H K], weight [H N, K] -> [T, H N].
ir::Value head_linear(ir::Builder& b, ir::Value x, ir::WeightId weight, size_t n_heads);

bool is_head_linear(const ir::Node& node) noexcept;

}  // namespace kinglet::ops
