#include "model/models/decoder.h"

#include <cmath>

#include "model/format/hf_keys.h"
#include "model/models/experts.h"

namespace kinglet::models {

void declare_outer_tensors(const DecoderConfig& c, TensorTable& t) {
  t.add("token_embd.weight", c.vocab_size, c.hidden_dim);
  t.add("output_norm.weight", 1, c.hidden_dim);
  t.add_optional("output.weight", c.vocab_size, c.hidden_dim);
  t.add_constant("rope_freqs.weight", c.ropes[0].n_rot / 2);
  if (c.ropes[0].scaling == RopeScaling::kLongrope) {
    t.add_constant("rope_factors_long.weight", c.ropes[0].n_rot / 2);
    t.add_constant("rope_factors_short.weight", c.ropes[0].n_rot / 2);
  }
}

void declare_attention_tensors(const DecoderConfig& c, size_t i, TensorTable& t) {
  const LayerConfig& layer = c.layers[i];
  t.of_layer(i, "attn_q.weight", layer.n_heads * layer.head_dim, c.hidden_dim);
  t.of_layer(i, "attn_k.weight", layer.n_kv_heads * layer.head_dim, c.hidden_dim);
  t.of_layer(i, "attn_v.weight", layer.n_kv_heads * layer.head_dim, c.hidden_dim);
  t.of_layer(i, "attn_output.weight", c.hidden_dim, layer.n_heads * layer.head_dim);
  t.of_layer_optional(i, "attn_q.bias", 1, layer.n_heads * layer.head_dim);
  t.of_layer_optional(i, "attn_k.bias", 1, layer.n_kv_heads * layer.head_dim);
  t.of_layer_optional(i, "attn_v.bias", 1, layer.n_kv_heads * layer.head_dim);
  t.of_layer_optional(i, "attn_output.bias", 1, c.hidden_dim);
}

void declare_fused_attention_tensors(const DecoderConfig& c, size_t i, TensorTable& t) {
  const LayerConfig& layer = c.layers[i];
  const size_t n = (layer.n_heads + 2 * layer.n_kv_heads) * layer.head_dim;
  t.of_layer(i, "attn_qkv.weight", n, c.hidden_dim);
  t.of_layer_optional(i, "attn_qkv.bias", 1, n);
  t.of_layer(i, "attn_output.weight", c.hidden_dim, layer.n_heads * layer.head_dim);
  t.of_layer_optional(i, "attn_output.bias", 1, c.hidden_dim);
}

void declare_gated_tensors(const DecoderConfig& c, size_t i, TensorTable& t) {
  t.of_layer(i, "ffn_gate.weight", c.layers[i].ffn_dim, c.hidden_dim);
  t.of_layer(i, "ffn_up.weight", c.layers[i].ffn_dim, c.hidden_dim);
  t.of_layer(i, "ffn_down.weight", c.hidden_dim, c.layers[i].ffn_dim);
}

void declare_feed_forward_tensors(const DecoderConfig& c, size_t i, TensorTable& t) {
  if (c.layers[i].n_experts > 0) {
    declare_expert_tensors(c, i, t);
  } else {
    declare_gated_tensors(c, i, t);
  }
}

void declare_decoder_tensors(const DecoderConfig& c, TensorTable& t) {
  declare_outer_tensors(c, t);
  for (size_t i = 0; i < c.n_layers; ++i) {
    t.of_layer(i, "attn_norm.weight", 1, c.hidden_dim);
    declare_attention_tensors(c, i, t);
    t.of_layer(i, "ffn_norm.weight", 1, c.hidden_dim);
    declare_feed_forward_tensors(c, i, t);
  }
}

ir::Value decoder_embed(Context& c, ir::Value ids) {
  const ir::Value x_TD = ops::embed(c.b, ids, c.names["token_embd.weight"]);
  return c.config.embedding_scale == 1.0F ? x_TD : ops::scale(c.b, x_TD, c.config.embedding_scale);
}

ir::Value pre_norm_layer(Context& c, const LayerWeights& w, ir::Value x_TD) {
  x_TD = add_branch(c, x_TD, c.blocks.attention(c, w, rms_norm(c, w, "attn_norm", x_TD)));
  return add_branch(c, x_TD, c.blocks.feed_forward(c, w, rms_norm(c, w, "ffn_norm", x_TD)));
}

ir::Value decoder_attention(Context& c, const LayerWeights& w, ir::Value x_TD) {
  Heads heads = project_heads(c, w, x_TD);
  heads.q = turn(c, w, heads.q, c.layer(w).n_heads);
  heads.k = turn(c, w, heads.k, c.layer(w).n_kv_heads);
  return attend_heads(c, w, heads);
}

ir::Value decoder_feed_forward(Context& c, const LayerWeights& w, ir::Value x_TD) {
  if (c.layer(w).n_experts > 0) return expert_feed_forward(c, w, x_TD);
  return gated_feed_forward(c, w, x_TD, kernels::Activate::kSilu);
}

ir::Value decoder_norm(Context& c, ir::Value x_ND) {
  return ops::rms_norm(c.b, x_ND, c.names["output_norm.weight"], c.config.norm_eps);
}

ir::Value decoder_layer_norm(Context& c, ir::Value x_ND) {
  return ops::layer_norm(c.b, x_ND, c.names["output_norm.weight"], c.names["output_norm.bias"], c.config.norm_eps);
}

ir::Value decoder_head(Context& c, ir::Value x_ND) {
  const auto head = c.names.find("output.weight");
  ir::Value logits = ops::linear(c.b, x_ND, head ? *head : c.names["token_embd.weight"], c.names.find("output.bias"));
  if (c.config.logit_scale != 1.0F) logits = ops::scale(c.b, logits, c.config.logit_scale);
  return c.config.logit_softcap > 0.0F ? ops::softcap(c.b, logits, c.config.logit_softcap) : logits;
}

Heads project_heads(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const LayerConfig& layer = c.layer(w);
  const auto fused = w.find("attn_qkv.weight");
  if (!fused) {
    return {ops::linear(c.b, x_TD, w["attn_q.weight"], w.find("attn_q.bias")),
            ops::linear(c.b, x_TD, w["attn_k.weight"], w.find("attn_k.bias")),
            ops::linear(c.b, x_TD, w["attn_v.weight"], w.find("attn_v.bias"))};
  }
  const auto bias = w.find("attn_qkv.bias");
  const auto part = [&](size_t first_head, size_t n_heads) {
    const size_t begin = first_head * layer.head_dim;
    const size_t n = n_heads * layer.head_dim;
    const auto of_bias = bias ? std::optional(c.b.part_of(*bias, begin, n)) : std::nullopt;
    return ops::linear(c.b, x_TD, c.b.part_of(*fused, begin, n), of_bias);
  };
  return {part(0, layer.n_heads), part(layer.n_heads, layer.n_kv_heads),
          part(layer.n_heads + layer.n_kv_heads, layer.n_kv_heads)};
}

ir::Value turn(Context& c, const LayerWeights& w, ir::Value x, size_t n_heads) {
  const LayerConfig& layer = c.layer(w);
  if (!layer.rope) return x;
  return ops::rope(c.b, x, c.rope_tables[*layer.rope], {n_heads, layer.head_dim, c.config.ropes[*layer.rope].pairs});
}

ir::Value attended(Context& c, const LayerWeights& w, const Heads& heads, std::optional<ir::WeightId> sinks) {
  const LayerConfig& layer = c.layer(w);
  ops::AttendSpec spec;
  spec.n_heads = layer.n_heads;
  spec.n_kv_heads = layer.n_kv_heads;
  spec.head_dim = layer.head_dim;
  spec.scale = c.config.attention_scale != 0.0F
                   ? c.config.attention_scale
                   : static_cast<float>(1.0 / std::sqrt(static_cast<double>(layer.head_dim)));
  spec.softcap = c.config.attention_softcap;
  spec.visibility = {c.config.is_causal, layer.window};
  return ops::attend(c.b, heads.q, heads.k, heads.v, spec, sinks);
}

ir::Value attend_heads(Context& c, const LayerWeights& w, const Heads& heads, std::optional<ir::WeightId> sinks) {
  return ops::linear(c.b, attended(c, w, heads, sinks), w["attn_output.weight"], w.find("attn_output.bias"));
}

ir::Value gated_feed_forward(Context& c, const LayerWeights& w, ir::Value x_TD, kernels::Activate activate) {
  ir::WeightId up_weight = w["ffn_up.weight"];
  auto gate_weight = w.find("ffn_gate.weight");
  if (!gate_weight) {
    const size_t ffn_dim = c.b.weight(up_weight).rows / 2;
    gate_weight = c.b.part_of(up_weight, 0, ffn_dim);
    up_weight = c.b.part_of(up_weight, ffn_dim, ffn_dim);
  }
  const ir::Value gate = ops::linear(c.b, x_TD, *gate_weight);
  const ir::Value up = ops::linear(c.b, x_TD, up_weight);
  return ops::linear(c.b, ops::gated(c.b, activate, gate, up), w["ffn_down.weight"]);
}

ir::Value plain_feed_forward(Context& c, const LayerWeights& w, ir::Value x_TD, kernels::Activate activate) {
  const ir::Value up = ops::linear(c.b, x_TD, w["ffn_up.weight"], w.find("ffn_up.bias"));
  return ops::linear(c.b, ops::activation(c.b, activate, up), w["ffn_down.weight"], w.find("ffn_down.bias"));
}

ir::Value rms_norm(Context& c, const LayerWeights& w, std::string_view name, ir::Value x) {
  return ops::rms_norm(c.b, x, w[str(name, ".weight")], c.config.norm_eps);
}

ir::Value layer_norm(Context& c, const LayerWeights& w, std::string_view name, ir::Value x) {
  return ops::layer_norm(c.b, x, w[str(name, ".weight")], w.find(str(name, ".bias")), c.config.norm_eps);
}

ir::Value add_branch(Context& c, ir::Value x_TD, ir::Value branch_TD) {
  if (c.config.residual_scale != 1.0F) branch_TD = ops::scale(c.b, branch_TD, c.config.residual_scale);
  return ops::add(c.b, x_TD, branch_TD);
}

std::vector<format::TensorRule> decoder_rules(std::initializer_list<format::TensorRule> more) {
  std::vector<format::TensorRule> rules = {
      {"model.embed_tokens.weight", "token_embd.weight"},
      {"model.norm.weight", "output_norm.weight"},
      {"lm_head.weight", "output.weight"},
      {"model.layers.*.input_layernorm.weight", "blk.*.attn_norm.weight"},
      {"model.layers.*.self_attn.q_proj.weight", "blk.*.attn_q.weight"},
      {"model.layers.*.self_attn.k_proj.weight", "blk.*.attn_k.weight"},
      {"model.layers.*.self_attn.v_proj.weight", "blk.*.attn_v.weight"},
      {"model.layers.*.self_attn.o_proj.weight", "blk.*.attn_output.weight"},
      {"model.layers.*.self_attn.q_proj.bias", "blk.*.attn_q.bias"},
      {"model.layers.*.self_attn.k_proj.bias", "blk.*.attn_k.bias"},
      {"model.layers.*.self_attn.v_proj.bias", "blk.*.attn_v.bias"},
      {"model.layers.*.self_attn.o_proj.bias", "blk.*.attn_output.bias"},
      {"model.layers.*.post_attention_layernorm.weight", "blk.*.ffn_norm.weight"},
      {"model.layers.*.mlp.gate_proj.weight", "blk.*.ffn_gate.weight"},
      {"model.layers.*.mlp.up_proj.weight", "blk.*.ffn_up.weight"},
      {"model.layers.*.mlp.down_proj.weight", "blk.*.ffn_down.weight"},
  };
  // The family's own come first: they may mean another thing by a name.
  rules.insert(rules.begin(), more.begin(), more.end());
  return rules;
}

void pair_neighbours(const ConfigReader& read, DecoderConfig& config) {
  const bool is_folder = read.word_or("rope.pairs", "adjacent") == "halves";
  for (RopeConfig& rope : config.ropes) {
    rope.pairs = is_folder ? kernels::RopePairs::kHalves : kernels::RopePairs::kAdjacent;
  }
}

}  // namespace kinglet::models
