// pool: the rows of each sequence become one; l2_normalize: rows of length one. The end of text embeddings.
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

enum class PoolKind : uint8_t { kMean, kFirst, kLast };

/// x [T, D] -> [S, D]: the mean, the first or the last row of each sequence. Rows are added in order.
ir::Value pool(ir::Builder& b, ir::Value x, PoolKind kind);

/// x [N, D] -> the same, each row divided by its Euclidean length (1e-12 where that is less).
ir::Value l2_normalize(ir::Builder& b, ir::Value x);

}  // namespace kinglet::ops
