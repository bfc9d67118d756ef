// Feed-forward blocks of experts: a router sends each row to a few of them.
#pragma once

#include "model/models/architecture.h"

namespace kinglet::models {

/// ffn_gate_inp, then ffn_gate_exps, ffn_up_exps (or both as ffn_gate_up_exps) and ffn_down_exps of a layer, stacked by
/// expert; and the expert that every row passes, where the settings have one.
void declare_expert_tensors(const DecoderConfig& config, size_t layer_idx, TensorTable& table);
/// The same without the router.
void declare_expert_stacks(const DecoderConfig& config, size_t layer_idx, TensorTable& table);

/// x [T, D] -> [T, D]: the router reads x as the experts do. With the shared expert, where there is one.
ir::Value expert_feed_forward(Context& c, const LayerWeights& w, ir::Value x_TD);

/// ffn_gate_inp of x, with its bias where the file has one, and the choice by it. Kept in Context::routed.
ops::Routed route_rows(Context& c, const LayerWeights& w, ir::Value x_TD);
/// What stands between gate, up and down of an expert: both [rows, F] -> [rows, F].
using ExpertActivation = ir::Value (*)(ir::Builder& b, ir::Value gate, ir::Value up);
ir::Value silu_gated(ir::Builder& b, ir::Value gate, ir::Value up);
/// x [T, D] through the experts that `routed` names, times its weights -> [T, D]. Biases, and a scale of each expert
/// (ffn_down_exps.scale), where the file has them.
ir::Value run_experts(Context& c, const LayerWeights& w, ir::Value x_TD, const ops::Routed& routed,
                      ExpertActivation activation = silu_gated);
/// The expert that every row passes: ffn_gate_shexp, ffn_up_shexp, ffn_down_shexp; times sigmoid(ffn_gate_inp_shexp x)
/// where the file has that.
ir::Value shared_expert(Context& c, const LayerWeights& w, ir::Value x_TD);

}  // namespace kinglet::models
