// Facade of core/ops: the operations that models are made of, one file pair each.
//
// A file holds the function that adds the operation to a graph, with its shape rule; its forward, run in pieces by
// several threads; and its backward, as nodes. op.h says what an operation is, batch.h which rows belong together and
// where keys are. Adding one: docs/adding-an-op.md. Thread rules: operations are constant data; pieces of one node may
// run at once.
#pragma once

#include "core/ops/adapt.h"
#include "core/ops/attend.h"
#include "core/ops/batch.h"
#include "core/ops/clamped_swiglu.h"
#include "core/ops/columns.h"
#include "core/ops/cross_entropy.h"
#include "core/ops/delta_net.h"
#include "core/ops/elementwise.h"
#include "core/ops/embed.h"
#include "core/ops/encode.h"
#include "core/ops/expert_linear.h"
#include "core/ops/expert_rows.h"
#include "core/ops/gated.h"
#include "core/ops/gather_rows.h"
#include "core/ops/head_linear.h"
#include "core/ops/keep_high.h"
#include "core/ops/layer_norm.h"
#include "core/ops/linear.h"
#include "core/ops/match_magnitude.h"
#include "core/ops/op.h"
#include "core/ops/pool.h"
#include "core/ops/position_scale.h"
#include "core/ops/rms_norm.h"
#include "core/ops/rope.h"
#include "core/ops/route.h"
#include "core/ops/scale_by.h"
#include "core/ops/scale_experts.h"
#include "core/ops/scale_rows.h"
#include "core/ops/short_conv.h"
#include "core/ops/ssm_scan.h"
#include "core/ops/streams.h"
