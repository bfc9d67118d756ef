#include "model/models/experts.h"

namespace kinglet::models {

void declare_expert_stacks(const DecoderConfig& c, size_t i, TensorTable& t) {
  const size_t E = c.layers[i].n_experts;
  if (c.experts.is_gate_up_fused) {
    t.of_layer(i, "ffn_gate_up_exps.weight", E * 2 * c.experts.ffn_dim, c.hidden_dim);
  } else {
    t.of_layer(i, "ffn_gate_exps.weight", E * c.experts.ffn_dim, c.hidden_dim);
    t.of_layer(i, "ffn_up_exps.weight", E * c.experts.ffn_dim, c.hidden_dim);
  }
  t.of_layer(i, "ffn_down_exps.weight", E * c.hidden_dim, c.experts.ffn_dim);
}

void declare_expert_tensors(const DecoderConfig& c, size_t i, TensorTable& t) {
  t.of_layer(i, "ffn_gate_inp.weight", c.layers[i].n_experts, c.hidden_dim);
  declare_expert_stacks(c, i, t);
  if (c.experts.shared_ffn_dim == 0) return;
  t.of_layer(i, "ffn_gate_shexp.weight", c.experts.shared_ffn_dim, c.hidden_dim);
  t.of_layer(i, "ffn_up_shexp.weight", c.experts.shared_ffn_dim, c.hidden_dim);
  t.of_layer(i, "ffn_down_shexp.weight", c.hidden_dim, c.experts.shared_ffn_dim);
}

ir::Value silu_gated(ir::Builder& b, ir::Value gate, ir::Value up) {
  return ops::gated(b, kernels::Activate::kSilu, gate, up);
}

ops::Routed route_rows(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const ExpertsConfig& experts = c.config.experts;
  const ir::Value logits = ops::linear(c.b, x_TD, w["ffn_gate_inp.weight"], w.find("ffn_gate_inp.bias"));
  ops::RouteSpec spec{experts.n_used, experts.by,       experts.renormalize,  0.0F,
                      experts.scale,  experts.n_groups, experts.n_groups_used};
  // Sigmoids may all be tiny; published models add this to their sum.
  if (experts.by == ops::RouteBy::kSigmoid) spec.sum_eps = 1e-20F;
  // A group counts as its best expert with a softmax (DeepSeek-V2, arXiv 2405.04434), as its best two with sigmoids
  // (DeepSeek-V3, arXiv 2412.19437). llama.cpp takes the best two for both.
  if (experts.by == ops::RouteBy::kSigmoid) spec.n_best = 2;
  c.routed.push_back(ops::route(c.b, logits, spec, w.find("exp_probs_b.bias")));
  return c.routed.back();
}

ir::Value run_experts(Context& c, const LayerWeights& w, ir::Value x_TD, const ops::Routed& routed,
                      ExpertActivation activation) {
  const size_t F = c.config.experts.ffn_dim;
  const size_t D = c.config.hidden_dim;
  const ops::ExpertRows rows = ops::sort_by_expert(c.b, routed.ids, c.layer(w).n_experts);
  const ir::Value x = ops::spread_rows(c.b, x_TD, rows);
  ir::Value gate;
  ir::Value up;
  if (c.config.experts.is_gate_up_fused) {
    const ir::WeightId both = w["ffn_gate_up_exps.weight"];
    gate = ops::expert_linear(c.b, x, rows, both, {2 * F, 0, F});
    up = ops::expert_linear(c.b, x, rows, both, {2 * F, F, F});
  } else {
    gate = ops::expert_linear(c.b, x, rows, w["ffn_gate_exps.weight"], {F, 0, F}, w.find("ffn_gate_exps.bias"));
    up = ops::expert_linear(c.b, x, rows, w["ffn_up_exps.weight"], {F, 0, F}, w.find("ffn_up_exps.bias"));
  }
  ir::Value down = ops::expert_linear(c.b, activation(c.b, gate, up), rows, w["ffn_down_exps.weight"], {D, 0, D},
                                      w.find("ffn_down_exps.bias"));
  if (const auto scale = w.find("ffn_down_exps.scale")) down = ops::scale_experts(c.b, down, rows, *scale);
  return ops::combine_rows(c.b, down, rows, routed.weights);
}

ir::Value shared_expert(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const ir::Value gate = ops::linear(c.b, x_TD, w["ffn_gate_shexp.weight"]);
  const ir::Value up = ops::linear(c.b, x_TD, w["ffn_up_shexp.weight"]);
  const ir::Value y_TD = ops::linear(c.b, silu_gated(c.b, gate, up), w["ffn_down_shexp.weight"]);
  const auto share = w.find("ffn_gate_inp_shexp.weight");
  if (!share) return y_TD;
  const ir::Value logit = ops::linear(c.b, x_TD, *share);
  return ops::scale_rows(c.b, y_TD, ops::activation(c.b, kernels::Activate::kSigmoid, logit));
}

ir::Value expert_feed_forward(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const ir::Value y_TD = run_experts(c, w, x_TD, route_rows(c, w, x_TD));
  return c.config.experts.shared_ffn_dim == 0 ? y_TD : ops::add(c.b, y_TD, shared_expert(c, w, x_TD));
}

}  // namespace kinglet::models
