// Facade of core/graph: from a description to results.
//
// add_gradients (autodiff.h) appends the backward of a loss to a logical graph. lower (lower.h) turns a logical graph
// into one for this CPU: encoded activations, fused and grouped products, attention over a cache. Plan (plan.h) orders
// the work, packs values into one arena by their lifetimes and so knows its memory before any is taken. Executor
// (executor.h) runs a plan on a thread pool, without allocating. Thread rules: a Plan is constant; an Executor is used
// by one thread at a time.
#pragma once

#include "core/graph/autodiff.h"
#include "core/graph/executor.h"
#include "core/graph/lower.h"
#include "core/graph/plan.h"
