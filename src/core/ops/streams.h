// mix_streams: a row as several streams side by side, mixed by coefficients of its own (Alternating Updates, Baykal et
// al. arXiv 2301.13310).
#pragma once

#include "core/ops/op.h"

namespace kinglet::ops {

/// x [T, N D], coefficients [T, M N] -> [T, M D]: stream m is the sum over n of coefficients[m N + n] times stream n.
ir::Value mix_streams(ir::Builder& b, ir::Value x, ir::Value coefficients, size_t n_streams);

/// x [T, N D], y [T, D] -> x with y added to its streams from `first` on.
ir::Value add_to_streams(ir::Builder& b, ir::Value x, ir::Value y, size_t first);

}  // namespace kinglet::ops
