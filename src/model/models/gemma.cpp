// Gemma 1: norms around one, embeddings times the root of their width, gelu gates. Files have 1 + w for norms.
// Source: Gemma Team, arXiv 2403.08295.
#include "model/models/gemma.h"

#include <cmath>

#include "model/format/hf_keys.h"
#include "model/models/architectures.h"

namespace kinglet::models {

DecoderConfig read_gemma_config(const ConfigReader& read) {
  DecoderConfig config = read_decoder_config(read);
  config.embedding_scale = std::sqrt(static_cast<float>(config.hidden_dim));
  config.attention_scale = static_cast<float>(read.number_or("attention.scale", 0.0));
  config.attention_softcap = static_cast<float>(read.number_or("attn_logit_softcapping", 0.0));
  config.logit_softcap = static_cast<float>(read.number_or("final_logit_softcapping", 0.0));
  return config;
}

void scale_by_hidden(const ConfigReader& read, DecoderConfig& config) {
  if (read.has("attention.scale")) return;
  const size_t share = config.hidden_dim / config.layers[0].n_heads;
  config.attention_scale = 1.0F / std::sqrt(static_cast<float>(share));
}

ir::Value gelu_feed_forward(Context& c, const LayerWeights& w, ir::Value x_TD) {
  return gated_feed_forward(c, w, x_TD, kernels::Activate::kGeluTanh);
}

ir::Value sandwich_layer(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const ir::Value attended = c.blocks.attention(c, w, rms_norm(c, w, "attn_norm", x_TD));
  x_TD = ops::add(c.b, x_TD, rms_norm(c, w, "post_attention_norm", attended));
  const ir::Value fed = c.blocks.feed_forward(c, w, rms_norm(c, w, "ffn_norm", x_TD));
  return ops::add(c.b, x_TD, rms_norm(c, w, "post_ffw_norm", fed));
}

void declare_sandwich_norms(const DecoderConfig& c, size_t i, TensorTable& t) {
  t.of_layer(i, "post_attention_norm.weight", 1, c.hidden_dim);
  t.of_layer(i, "post_ffw_norm.weight", 1, c.hidden_dim);
}

std::vector<format::TensorRule> sandwich_rules(std::initializer_list<format::TensorRule> more) {
  std::vector<format::TensorRule> rules = decoder_rules({
      {"model.layers.*.post_attention_layernorm.weight", "blk.*.post_attention_norm.weight"},
      {"model.layers.*.pre_feedforward_layernorm.weight", "blk.*.ffn_norm.weight"},
      {"model.layers.*.post_feedforward_layernorm.weight", "blk.*.post_ffw_norm.weight"},
  });
  rules.insert(rules.begin(), more.begin(), more.end());
  return rules;
}

std::vector<format::TensorRule> around_one(std::vector<format::TensorRule> rules) {
  for (format::TensorRule& rule : rules) {
    if (rule.hf.ends_with("norm.weight")) rule.change = format::Change::kPlusOne;
  }
  return rules;
}

void fill_query_scale(format::HfKeys& keys, uint64_t usual) {
  const uint64_t scalar = keys.config().count_or("query_pre_attn_scalar", usual);
  if (scalar == 0) keys.config().refuse_setting("query_pre_attn_scalar", "0");
  if (scalar != format::head_dim_of(keys.config()))
    keys.number("attention.scale", 1.0 / std::sqrt(static_cast<double>(scalar)));
}

namespace {

void fill(format::HfKeys& keys) {
  format::fill_decoder(keys, {.context_len = 8192, .activations = {"gelu_pytorch_tanh", "gelu"}});
}

}  // namespace

Architecture gemma() {
  Blocks blocks = kDecoderBlocks;
  blocks.feed_forward = gelu_feed_forward;
  return {"gemma",
          "gemma",
          read_gemma_config,
          declare_decoder_tensors,
          blocks,
          {.classes = {"GemmaForCausalLM"},
           .architecture = "gemma",
           .tensors = around_one(decoder_rules()),
           .fill = fill,
           .is_tied = true,
           .ids = {.bos = 2, .eos = 1, .pad = 0}}};
}

}  // namespace kinglet::models
