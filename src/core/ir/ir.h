// Facade of core/ir: the graph in which a model is described once.
//
// A Graph lists weights, values and nodes in the order in which they were added, which is an order of execution. A
// value is rows x cols; the number of rows may be a symbol (Rows::kTokens, ...) that is bound when a plan runs, so a
// description serves one token, a prompt, a batch of sequences and a training step alike. A node names its operation
// (an Op, defined in core/ops beside its kernels), its inputs, outputs, weights and attributes. Builder adds nodes; it
// does not know its caller. The graph knows no CPU, no files and no memory: lowering and planning are core/graph's.
// Thread rules: build with one thread; a finished Graph may be read by many.
#pragma once

#include "core/ir/builder.h"
#include "core/ir/graph.h"
