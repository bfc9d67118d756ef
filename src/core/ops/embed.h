// embed: rows of a table by token id.
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// ids i32 [T, 1], table [V, D] -> [T, D]. Ids lie in [0, V): the caller of a plan has checked them.
ir::Value embed(ir::Builder& b, ir::Value ids, ir::WeightId table);

}  // namespace kinglet::ops
