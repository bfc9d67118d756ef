// OLMo 2: no norm before a block but one behind it; q and k are normed over all heads at once.
// Source: OLMo Team, arXiv 2501.00656.
#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/qwen3.h"

namespace kinglet::models {
namespace {

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_decoder_config(read);
  read_windows(read, config, [](size_t i) { return (i + 1) % 4 != 0; });  // OLMo 3; OLMo 2 has no window
  return config;
}

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  declare_outer_tensors(c, t);
  for (size_t i = 0; i < c.n_layers; ++i) {
    declare_attention_tensors(c, i, t);
    t.of_layer(i, "attn_q_norm.weight", 1, c.layers[i].n_heads * c.layers[i].head_dim);
    t.of_layer(i, "attn_k_norm.weight", 1, c.layers[i].n_kv_heads * c.layers[i].head_dim);
    t.of_layer(i, "post_attention_norm.weight", 1, c.hidden_dim);
    declare_gated_tensors(c, i, t);
    t.of_layer(i, "post_ffw_norm.weight", 1, c.hidden_dim);
  }
}

ir::Value post_norm_layer(Context& c, const LayerWeights& w, ir::Value x_TD) {
  x_TD = ops::add(c.b, x_TD, rms_norm(c, w, "post_attention_norm", c.blocks.attention(c, w, x_TD)));
  return ops::add(c.b, x_TD, rms_norm(c, w, "post_ffw_norm", c.blocks.feed_forward(c, w, x_TD)));
}

void fill(format::HfKeys& keys) {
  format::fill_decoder(keys, {.norm_eps = 1e-5});
  const std::vector<bool> is_windowed = format::layers_of_type(keys.config(), "sliding_attention");
  if (keys.config().has("sliding_window")) format::fill_windows(keys, is_windowed, {});
}

}  // namespace

Architecture olmo2() {
  Blocks blocks = kDecoderBlocks;
  blocks.layer = post_norm_layer;
  blocks.attention = head_norm_attention;
  return {"olmo2",
          "olmo2",
          read_config,
          declare_tensors,
          blocks,
          {.classes = {"Olmo2ForCausalLM", "Olmo3ForCausalLM"},
           .architecture = "olmo2",
           .tensors = with_head_norms(decoder_rules({
               {"model.layers.*.post_attention_layernorm.weight", "blk.*.post_attention_norm.weight"},
               {"model.layers.*.post_feedforward_layernorm.weight", "blk.*.post_ffw_norm.weight"},
           })),
           .fill = fill,
           .make = format::rope_tensors}};
}

}  // namespace kinglet::models
