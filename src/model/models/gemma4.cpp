// Gemma 4, text: two sizes of heads, a rope that turns a part of the pairs of full heads, shared keys and values,
// values that may be the keys' projection, embeddings of each layer in the small ones, experts beside the feed-forward
// in the large one, a factor at the end of each layer. Source: Google's model cards; transformers, Gemma4TextConfig.
#include <algorithm>
#include <array>
#include <cmath>

#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/experts.h"
#include "model/models/gemma3.h"
#include "model/models/per_layer_embedding.h"
#include "model/models/qwen3.h"
#include "model/models/shared_keys.h"

namespace kinglet::models {
namespace {

const SharedKeysConfig& family_of(const DecoderConfig& config) { return config.of_family<SharedKeysConfig>(); }

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_gemma_config(read);
  config.attention_scale = 1.0F;
  read_windows(read, config, [](size_t i) { return i % 6 + 1 < 6; });
  read_local_rope(read, config);
  const size_t local_dim = read.count_or("attention.key_length_swa", config.layers[0].head_dim);
  for (LayerConfig& layer : config.layers) {
    if (layer.window > 0) layer.head_dim = local_dim;
  }
  config.ropes[1].n_rot = read.count_or("rope.dimension_count_swa", local_dim, local_dim);
  auto family = std::make_shared<SharedKeysConfig>();
  family->per_layer_dim = read.count_or_zero("embedding_length_per_layer_input");
  family->n_own_keys = config.n_layers - read.count_or_zero("attention.shared_kv_layers", config.n_layers - 1);
  config.family = std::move(family);
  read_experts(read, config);
  config.experts.renormalize = true;
  return config;
}

void declare_experts(const DecoderConfig& c, size_t i, TensorTable& t) {
  declare_expert_tensors(c, i, t);
  t.of_layer(i, "ffn_gate_inp.scale", 1, c.hidden_dim);
  t.of_layer(i, "ffn_down_exps.scale", 1, c.layers[i].n_experts);
  for (const std::string_view name : {"post_ffw_norm_1", "pre_ffw_norm_2", "post_ffw_norm_2"})
    t.of_layer(i, str(name, ".weight"), 1, c.hidden_dim);
}

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  const SharedKeysConfig& family = family_of(c);
  declare_outer_tensors(c, t);
  if (family.per_layer_dim > 0) declare_per_layer_embedding(c, family.per_layer_dim, t);
  for (size_t i = 0; i < c.n_layers; ++i) {
    t.of_layer(i, "attn_norm.weight", 1, c.hidden_dim);
    declare_shared_keys_attention(c, i, family.n_own_keys, t);
    declare_sandwich_norms(c, i, t);
    t.of_layer(i, "ffn_norm.weight", 1, c.hidden_dim);
    declare_gated_tensors(c, i, t);
    if (c.layers[i].n_experts > 0) declare_experts(c, i, t);
    if (family.per_layer_dim > 0) declare_per_layer_block(c, i, family.per_layer_dim, t);
    t.of_layer_optional(i, "layer_output_scale.weight", 1, 1);
  }
}

ir::Value embed(Context& c, ir::Value ids) {
  const ir::Value x_TD = decoder_embed(c, ids);
  const size_t dim = family_of(c.config).per_layer_dim;
  if (dim > 0) c.per_layer_inputs = per_layer_inputs(c, ids, x_TD, dim);
  return x_TD;
}

ir::Value gelu_gated(ir::Builder& b, ir::Value gate, ir::Value up) {
  return ops::gated(b, kernels::Activate::kGeluTanh, gate, up);
}

// The router reads rows as they are, normed by no weight and scaled; the experts have a norm of their own.
ir::Value experts(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const float scale = 1.0F / std::sqrt(static_cast<float>(c.config.hidden_dim));
  const ir::Value normed = ops::rms_norm(c.b, x_TD, c.config.hidden_dim, c.config.norm_eps);
  const ir::Value routed = ops::scale_by(c.b, ops::scale(c.b, normed, scale), w["ffn_gate_inp.scale"]);
  return run_experts(c, w, rms_norm(c, w, "pre_ffw_norm_2", x_TD), route_rows(c, w, routed), gelu_gated);
}

// The feed-forward, and beside it the experts where there are any.
ir::Value fed(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const ir::Value dense = c.blocks.feed_forward(c, w, rms_norm(c, w, "ffn_norm", x_TD));
  if (c.layer(w).n_experts == 0) return dense;
  return ops::add(c.b, rms_norm(c, w, "post_ffw_norm_1", dense),
                  rms_norm(c, w, "post_ffw_norm_2", experts(c, w, x_TD)));
}

ir::Value layer(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const ir::Value attended = c.blocks.attention(c, w, rms_norm(c, w, "attn_norm", x_TD));
  x_TD = ops::add(c.b, x_TD, rms_norm(c, w, "post_attention_norm", attended));
  x_TD = ops::add(c.b, x_TD, rms_norm(c, w, "post_ffw_norm", fed(c, w, x_TD)));
  const size_t dim = family_of(c.config).per_layer_dim;
  if (dim > 0) x_TD = ops::add(c.b, x_TD, per_layer_block(c, w, x_TD, dim));
  const auto scale = w.find("layer_output_scale.weight");
  return scale ? ops::scale_by(c.b, x_TD, *scale) : x_TD;
}

// A setting of layers without a window, in either spelling; none: all layers are alike.
std::optional<uint64_t> of_full_layers(const format::HfConfig& config, std::string_view older, std::string_view newer) {
  if (const auto count = config.find_count(older)) return count;
  const std::vector<bool> is_full = format::layers_of_type(config, "full_attention");
  for (size_t i = 0; i < is_full.size(); ++i) {
    if (const auto count = config.find_count_in("per_layer_config", str(i), newer); count && is_full[i]) return count;
  }
  return std::nullopt;
}

void fill_experts(format::HfKeys& keys) {
  if (!keys.config().truth_or("enable_moe_block", false)) return;
  keys.copy_count("expert_count", "num_experts");
  keys.copy_count("expert_used_count", "top_k_experts");
  keys.copy_count("expert_feed_forward_length", "moe_intermediate_size");
}

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  format::fill_decoder(keys, {.context_len = 131072, .has_rope = false, .activations = {"gelu_pytorch_tanh"}});
  const uint64_t n_layers = config.count("num_hidden_layers");
  const std::vector<bool> is_windowed = format::layers_of_type(config, "sliding_attention");
  if (is_windowed.size() != n_layers) {
    fail_with(ErrorCode::kInvalidFile, config.name(), ": layer_types: has ", is_windowed.size(), " words, expected ",
              n_layers);
  }
  keys.truths("attention.sliding_window_pattern", is_windowed);
  keys.copy_count("attention.sliding_window", "sliding_window", 512);
  keys.copy_number_if_set("final_logit_softcapping", "final_logit_softcapping");

  const uint64_t local_dim = format::head_dim_of(config);
  const uint64_t full_dim = of_full_layers(config, "global_head_dim", "head_dim").value_or(local_dim);
  keys.count("attention.key_length", "global_head_dim", full_dim);
  keys.count("attention.value_length", "global_head_dim", full_dim);
  keys.count("attention.key_length_swa", "head_dim", local_dim);
  keys.count("attention.value_length_swa", "head_dim", local_dim);
  keys.count("rope.dimension_count", "global_head_dim", full_dim);
  keys.count("rope.dimension_count_swa", "head_dim", local_dim);
  keys.number("rope.freq_base", config.rope("full_attention").base);
  keys.number("rope.freq_base_swa", config.rope("sliding_attention").base);
  if (const auto n_full = of_full_layers(config, "num_global_key_value_heads", "num_key_value_heads")) {
    const uint64_t n_local = config.count("num_key_value_heads");
    std::vector<uint32_t> n_kv_heads;
    for (const bool windowed : is_windowed) n_kv_heads.push_back(static_cast<uint32_t>(windowed ? n_local : *n_full));
    keys.counts("attention.head_count_kv", n_kv_heads);
  }

  fill_experts(keys);
  const uint64_t n_shared = config.count_or("num_kv_shared_layers", 0);
  keys.count("attention.shared_kv_layers", "num_kv_shared_layers", n_shared);
  keys.copy_count("embedding_length_per_layer_input", "hidden_size_per_layer_input", 0);
  if (config.truth_or("use_double_wide_mlp", false)) {
    const uint64_t width = config.count("intermediate_size");
    std::vector<uint32_t> widths;
    for (uint64_t i = 0; i < n_layers; ++i)
      widths.push_back(static_cast<uint32_t>(i + n_shared < n_layers ? width : 2 * width));
    keys.counts("feed_forward_length", widths);
  }
}

// Of the pairs of a full head only the first turn; the others have a frequency of next to nothing.
std::vector<format::MadeTensor> make(const format::HfConfig& config, const format::HfTensors& /*tensors*/) {
  const format::HfRope rope = config.rope("full_attention");
  if (rope.type == "default") return {};
  if (rope.type != "proportional")
    config.refuse_setting("rope_type", rope.type, std::array<std::string_view, 1>{"proportional"});
  const uint64_t dim = of_full_layers(config, "global_head_dim", "head_dim").value_or(format::head_dim_of(config));
  const auto n_turning = static_cast<size_t>(static_cast<double>(dim) * rope.partial / 2);
  std::vector<float> factors(static_cast<size_t>(dim / 2), 1e30F);
  std::fill_n(factors.begin(), std::min(n_turning, factors.size()), 1.0F);
  return {format::made_of("rope_freqs.weight", {dim / 2}, std::move(factors))};
}

void fill_tiny(format::Metadata& metadata) {
  metadata.set("gemma4.block_count", uint32_t{4});
  metadata.set("gemma4.attention.sliding_window", uint32_t{5});
  metadata.set_truths("gemma4.attention.sliding_window_pattern", {true, false, false, true});
  metadata.set("gemma4.attention.shared_kv_layers", uint32_t{2});
  metadata.set("gemma4.attention.key_length_swa", uint32_t{32});
  metadata.set("gemma4.attention.key_length", uint32_t{64});
  metadata.set("gemma4.attention.value_length", uint32_t{64});
  metadata.set("gemma4.embedding_length_per_layer_input", uint32_t{32});
  metadata.set("gemma4.final_logit_softcapping", 6.0F);
  metadata.set("gemma4.expert_count", uint32_t{4});
  metadata.set("gemma4.expert_used_count", uint32_t{2});
}

}  // namespace

Architecture gemma4() {
  std::vector<format::TensorRule> rules = with_head_norms(sandwich_rules({
      {"model.layers.*.layer_scalar", "blk.*.layer_output_scale.weight"},
      {"model.layers.*.router.proj.weight", "blk.*.ffn_gate_inp.weight"},
      {"model.layers.*.router.scale", "blk.*.ffn_gate_inp.scale"},
      {"model.layers.*.router.per_expert_scale", "blk.*.ffn_down_exps.scale"},
      {"model.layers.*.experts.gate_up_proj", "blk.*.ffn_gate_up_exps.weight"},
      {"model.layers.*.experts.down_proj", "blk.*.ffn_down_exps.weight"},
      {"model.layers.*.post_feedforward_layernorm_1.weight", "blk.*.post_ffw_norm_1.weight"},
      {"model.layers.*.pre_feedforward_layernorm_2.weight", "blk.*.pre_ffw_norm_2.weight"},
      {"model.layers.*.post_feedforward_layernorm_2.weight", "blk.*.post_ffw_norm_2.weight"},
  }));
  return {"gemma4",
          "gemma4",
          read_config,
          declare_tensors,
          {embed, layer, shared_keys_attention, gelu_feed_forward, decoder_norm, decoder_head},
          {.classes = {"Gemma4ForCausalLM", "Gemma4ForConditionalGeneration"},
           .architecture = "gemma4",
           .tensors = per_layer_rules(std::move(rules)),
           .prefixes = {"language_model."},
           .fill = fill,
           .make = make,
           .is_tied = true,
           .ids = {.bos = 2, .eos = 1, .pad = 0}},
          fill_tiny,
          {"attn_k.weight", "attn_v.weight", "attn_k_norm.weight"}};  // of layers that read the keys of others
}

}  // namespace kinglet::models
