#include "model/models/per_layer_embedding.h"

#include <cmath>

namespace kinglet::models {
namespace {

float root_of(size_t n) { return std::sqrt(static_cast<float>(n)); }

}  // namespace

void declare_per_layer_embedding(const DecoderConfig& c, size_t dim, TensorTable& t) {
  t.add("per_layer_token_embd.weight", c.vocab_size, c.n_layers * dim);
  t.add("per_layer_model_proj.weight", c.n_layers * dim, c.hidden_dim);
  t.add("per_layer_proj_norm.weight", 1, dim);
}

void declare_per_layer_block(const DecoderConfig& c, size_t i, size_t dim, TensorTable& t) {
  t.of_layer(i, "inp_gate.weight", dim, c.hidden_dim);
  t.of_layer(i, "proj.weight", c.hidden_dim, dim);
  t.of_layer(i, "post_norm.weight", 1, c.hidden_dim);
}

ir::Value per_layer_inputs(Context& c, ir::Value ids, ir::Value x_TD, size_t dim) {
  const ir::Value rows = ops::embed(c.b, ids, c.names["per_layer_token_embd.weight"]);
  const ir::Value by_token = ops::scale(c.b, rows, root_of(dim));
  const ir::Value projected = ops::linear(c.b, x_TD, c.names["per_layer_model_proj.weight"]);
  const ir::Value by_embedding = ops::rms_norm(c.b, ops::scale(c.b, projected, 1.0F / root_of(c.config.hidden_dim)),
                                               c.names["per_layer_proj_norm.weight"], c.config.norm_eps);
  return ops::scale(c.b, ops::add(c.b, by_embedding, by_token), 1.0F / std::sqrt(2.0F));
}

ir::Value per_layer_block(Context& c, const LayerWeights& w, ir::Value x_TD, size_t dim) {
  const ir::Value input =
      ops::take_columns(c.b, c.per_layer_inputs, {1, c.config.n_layers * dim, w.layer_idx() * dim, dim});
  const ir::Value gate = ops::linear(c.b, x_TD, w["inp_gate.weight"]);
  const ir::Value gated = ops::gated(c.b, kernels::Activate::kGeluTanh, gate, input);
  return rms_norm(c, w, "post_norm", ops::linear(c.b, gated, w["proj.weight"]));
}

std::vector<format::TensorRule> per_layer_rules(std::vector<format::TensorRule> rules) {
  const std::initializer_list<format::TensorRule> own = {
      {"model.embed_tokens_per_layer.weight", "per_layer_token_embd.weight"},
      {"model.per_layer_model_projection.weight", "per_layer_model_proj.weight"},
      {"model.per_layer_projection_norm.weight", "per_layer_proj_norm.weight"},
      {"model.layers.*.per_layer_input_gate.weight", "blk.*.inp_gate.weight"},
      {"model.layers.*.per_layer_projection.weight", "blk.*.proj.weight"},
      {"model.layers.*.post_per_layer_input_norm.weight", "blk.*.post_norm.weight"},
  };
  rules.insert(rules.end(), own.begin(), own.end());
  return rules;
}

}  // namespace kinglet::models
