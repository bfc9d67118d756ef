// Reverse-mode differentiation of a logical graph (Griewank and Walther, "Evaluating Derivatives"): backward nodes are
// appended, so that they are planned and run like any others.
#pragma once

#include <vector>

#include "core/ir/ir.h"

namespace kinglet::graph {

/// Appends the gradient of `loss` [1, 1] with respect to each weight that `wanted` (by weight id) names. Running the
/// graph then adds to the gradient memory that the executor was given; the caller clears it. Values are differentiated
/// only where a wanted weight depends on it.
void add_gradients(ir::Graph& graph, ir::Value loss, const std::vector<bool>& wanted);

}  // namespace kinglet::graph
