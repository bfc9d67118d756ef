// LFM2: short convolutions between two gates, and attention with normed heads on some layers. Source: Liquid AI's model
// cards; transformers, Lfm2ForCausalLM.
#include <algorithm>

#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/qwen3.h"

namespace kinglet::models {
namespace {

struct Lfm2 : FamilyConfig {
  size_t width = 0;  // rows that a convolution sees, its own included
};

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_decoder_config(read);
  auto own = std::make_shared<Lfm2>();
  own->width = read.count("shortconv.l_cache", 64);
  config.family = std::move(own);
  // Layers without heads for keys are convolutions.
  const std::vector<size_t> n_kv_heads = read.counts("attention.head_count_kv", config.n_layers, std::nullopt);
  for (size_t i = 0; i < config.n_layers; ++i) config.layers[i].is_recurrent = n_kv_heads[i] == 0;
  read_windows(read, config, [&](size_t i) { return !config.layers[i].is_recurrent; });
  return config;
}

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  t.add("token_embd.weight", c.vocab_size, c.hidden_dim);
  t.add("token_embd_norm.weight", 1, c.hidden_dim);  // the name that files have for the last norm
  t.add_optional("output.weight", c.vocab_size, c.hidden_dim);
  for (size_t i = 0; i < c.n_layers; ++i) {
    t.of_layer(i, "attn_norm.weight", 1, c.hidden_dim);
    if (c.layers[i].is_recurrent) {
      t.of_layer_f32(i, "shortconv.conv.weight", c.hidden_dim, c.of_family<Lfm2>().width);
      t.of_layer(i, "shortconv.in_proj.weight", 3 * c.hidden_dim, c.hidden_dim);
      t.of_layer(i, "shortconv.out_proj.weight", c.hidden_dim, c.hidden_dim);
    } else {
      declare_attention_tensors(c, i, t);
      declare_head_norms(c, i, t);
    }
    t.of_layer(i, "ffn_norm.weight", 1, c.hidden_dim);
    declare_gated_tensors(c, i, t);
  }
}

// out(after * conv(before * x)), all three from one projection.
ir::Value convolution(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const size_t D = c.config.hidden_dim;
  const ir::WeightId projection = w["shortconv.in_proj.weight"];
  const ir::Value before = ops::linear(c.b, x_TD, c.b.part_of(projection, 0, D));
  const ir::Value after = ops::linear(c.b, x_TD, c.b.part_of(projection, D, D));
  const ir::Value x = ops::linear(c.b, x_TD, c.b.part_of(projection, 2 * D, D));
  const ir::Value mixed = ops::short_conv(c.b, ops::multiply(c.b, before, x), w["shortconv.conv.weight"]);
  return ops::linear(c.b, ops::multiply(c.b, after, mixed), w["shortconv.out_proj.weight"]);
}

ir::Value attention_or_convolution(Context& c, const LayerWeights& w, ir::Value x_TD) {
  return c.layer(w).is_recurrent ? convolution(c, w, x_TD) : head_norm_attention(c, w, x_TD);
}

ir::Value final_norm(Context& c, ir::Value x_ND) {
  return ops::rms_norm(c.b, x_ND, c.names["token_embd_norm.weight"], c.config.norm_eps);
}

// Older settings say the width before two thirds of it are taken and rounded up.
uint64_t ffn_dim_of(const format::HfConfig& config) {
  uint64_t width = config.has("block_ff_dim") ? config.count("block_ff_dim") : config.count("intermediate_size");
  if (!config.truth_or("block_auto_adjust_ff_dim", true)) return width;
  constexpr uint64_t kMost = uint64_t{1} << 40;
  width = static_cast<uint64_t>(2.0 * static_cast<double>(std::min(width, kMost)) / 3.0);
  const double factor = std::clamp(config.number_or("block_ffn_dim_multiplier", 1.0), 0.0, 1e3);
  width = static_cast<uint64_t>(factor * static_cast<double>(width));
  const uint64_t multiple = std::clamp<uint64_t>(config.count_or("block_multiple_of", 256), 1, kMost);
  return (width + multiple - 1) / multiple * multiple;
}

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  if (config.truth_or("conv_bias", false)) config.refuse_setting("conv_bias", "true");
  format::fill_decoder(
      keys,
      {.norm = "norm_eps", .norm_eps = 1e-5, .context_len = 128000, .n_kv_heads = 8, .ffn_dim = ffn_dim_of(config)});
  keys.copy_count("shortconv.l_cache", "conv_L_cache", 3);
  const uint64_t n_layers = config.count("num_hidden_layers");
  std::vector<bool> has_attention = format::layers_of_type(config, "full_attention");
  if (has_attention.empty()) {
    const std::vector<uint64_t> listed = config.counts("full_attn_idxs");
    for (uint64_t i = 0; i < n_layers; ++i) {
      has_attention.push_back(!config.has("full_attn_idxs") || std::ranges::find(listed, i) != listed.end());
    }
  }
  const auto n_kv_heads =
      static_cast<uint32_t>(std::min<uint64_t>(config.count_or("num_key_value_heads", 8), UINT32_MAX));
  std::vector<uint32_t> of_layers;
  for (const bool has : has_attention) of_layers.push_back(has ? n_kv_heads : 0);
  keys.counts("attention.head_count_kv", of_layers);
}

void fill_tiny(format::Metadata& metadata) {
  metadata.set("lfm2.shortconv.l_cache", uint32_t{3});
  constexpr uint32_t kHeads[] = {0, 1, 0, 1};
  metadata.set_array("lfm2.attention.head_count_kv", std::span<const uint32_t>(kHeads));
}

}  // namespace

Architecture lfm2() {
  Blocks blocks = kDecoderBlocks;
  blocks.attention = attention_or_convolution;
  blocks.final_norm = final_norm;
  return {"lfm2",
          "lfm2",
          read_config,
          declare_tensors,
          blocks,
          {.classes = {"Lfm2ForCausalLM"},
           .architecture = "lfm2",
           .tensors =
               {
                   {"model.embed_tokens.weight", "token_embd.weight"},
                   {"model.embedding_norm.weight", "token_embd_norm.weight"},
                   {"lm_head.weight", "output.weight"},
                   {"model.layers.*.operator_norm.weight", "blk.*.attn_norm.weight"},
                   {"model.layers.*.conv.conv.weight", "blk.*.shortconv.conv.weight"},
                   {"model.layers.*.conv.in_proj.weight", "blk.*.shortconv.in_proj.weight"},
                   {"model.layers.*.conv.out_proj.weight", "blk.*.shortconv.out_proj.weight"},
                   {"model.layers.*.self_attn.q_proj.weight", "blk.*.attn_q.weight"},
                   {"model.layers.*.self_attn.k_proj.weight", "blk.*.attn_k.weight"},
                   {"model.layers.*.self_attn.v_proj.weight", "blk.*.attn_v.weight"},
                   {"model.layers.*.self_attn.out_proj.weight", "blk.*.attn_output.weight"},
                   {"model.layers.*.self_attn.q_layernorm.weight", "blk.*.attn_q_norm.weight"},
                   {"model.layers.*.self_attn.k_layernorm.weight", "blk.*.attn_k_norm.weight"},
                   {"model.layers.*.ffn_norm.weight", "blk.*.ffn_norm.weight"},
                   {"model.layers.*.feed_forward.w1.weight", "blk.*.ffn_gate.weight"},
                   {"model.layers.*.feed_forward.w3.weight", "blk.*.ffn_up.weight"},
                   {"model.layers.*.feed_forward.w2.weight", "blk.*.ffn_down.weight"},
               },
           .fill = fill,
           .make = format::rope_tensors,
           .is_tied = true,
           .ids = {.bos = 1, .eos = 2, .pad = 0}},
          fill_tiny};
}

}  // namespace kinglet::models
