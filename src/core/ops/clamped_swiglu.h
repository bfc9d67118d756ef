// clamped_swiglu: (up + 1) gate sigmoid(alpha gate) with gate and up kept within a limit, as gpt-oss has it.
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

struct ClampedSwiglu {
  float alpha = 1.702F;
  float limit = 7.0F;  ///< gate is at most this; up lies within it on both sides.
};

/// gate and up [T, F] -> [T, F].
ir::Value clamped_swiglu(ir::Builder& b, ir::Value gate, ir::Value up, ClampedSwiglu spec);

}  // namespace kinglet::ops
