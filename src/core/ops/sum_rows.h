// Adds all rows of a value to the gradient of a vector weight: the last step of a backward that has it row by row.
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// dy [T, D]; the weight [D].
void sum_rows_into(ir::Builder& b, ir::Value dy, ir::WeightId weight);

}  // namespace kinglet::ops
