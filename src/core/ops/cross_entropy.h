// cross_entropy: the negative log-likelihood of labels under logits, per row and on average, in nats.
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// logits [L, V], labels i32 [L, 1] (each in [0, V)) -> [L, 1].
ir::Value token_loss(ir::Builder& b, ir::Value logits, ir::Value labels);

/// x [L, 1] -> [1, 1], summed in row order. L > 0.
ir::Value mean(ir::Builder& b, ir::Value x);

/// [1, 1] holding 1: where gradients start.
ir::Value one(ir::Builder& b);

}  // namespace kinglet::ops
