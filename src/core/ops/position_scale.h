// position_scale: rows that grow with the logarithm of their position, so that attention over long texts stays sharp
// (Llama 4; https://ai.meta.com/blog/llama-4-multimodal-intelligence, "inference time temperature scaling").
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// x [T, D], positions i32 [T, 1] -> x times 1 + beta ln(1 + floor(position / step)).
ir::Value position_scale(ir::Builder& b, ir::Value x, ir::Value positions, float beta, size_t step);

}  // namespace kinglet::ops
