// add, multiply, scale, softcap, activation: the same thing to each element.
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// a + b, both [T, D].
ir::Value add(ir::Builder& b, ir::Value left, ir::Value right);
/// a * b, both [T, D].
ir::Value multiply(ir::Builder& b, ir::Value left, ir::Value right);
/// factor * x.
ir::Value scale(ir::Builder& b, ir::Value x, float factor);
/// cap * tanh(x / cap), cap > 0.
ir::Value softcap(ir::Builder& b, ir::Value x, float cap);
/// act(x).
ir::Value activation(ir::Builder& b, kernels::Activate kind, ir::Value x);

bool is_add(const ir::Node& node) noexcept;

}  // namespace kinglet::ops
