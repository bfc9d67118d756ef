// Phi 1.5 and 2: attention and feed-forward side by side on one norm, biases everywhere, a part of each head turns.
// Source: Li et al. arXiv 2309.05463.
#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/decoder.h"

namespace kinglet::models {
namespace {

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  t.add("token_embd.weight", c.vocab_size, c.hidden_dim);
  t.add("output_norm.weight", 1, c.hidden_dim);
  t.add("output_norm.bias", 1, c.hidden_dim);
  t.add("output.weight", c.vocab_size, c.hidden_dim);
  t.add("output.bias", 1, c.vocab_size);
  for (size_t i = 0; i < c.n_layers; ++i) {
    t.of_layer(i, "attn_norm.weight", 1, c.hidden_dim);
    t.of_layer(i, "attn_norm.bias", 1, c.hidden_dim);
    declare_attention_tensors(c, i, t);
    t.of_layer(i, "ffn_up.weight", c.layers[i].ffn_dim, c.hidden_dim);
    t.of_layer(i, "ffn_up.bias", 1, c.layers[i].ffn_dim);
    t.of_layer(i, "ffn_down.weight", c.hidden_dim, c.layers[i].ffn_dim);
    t.of_layer(i, "ffn_down.bias", 1, c.hidden_dim);
  }
}

ir::Value feed_forward(Context& c, const LayerWeights& w, ir::Value x_TD) {
  return plain_feed_forward(c, w, x_TD, kernels::Activate::kGeluTanh);
}

ir::Value parallel_layer(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const ir::Value normed = layer_norm(c, w, "attn_norm", x_TD);
  const ir::Value attended = c.blocks.attention(c, w, normed);
  return ops::add(c.b, ops::add(c.b, x_TD, attended), c.blocks.feed_forward(c, w, normed));
}

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  format::fill_decoder(keys, {.norm = "layer_norm_eps", .norm_eps = 1e-5, .activations = {"gelu_new"}});
  if (config.truth_or("qk_layernorm", false)) config.refuse_setting("qk_layernorm", "true");
  if (!config.has("partial_rotary_factor") && !config.has("rope_parameters"))
    keys.count("rope.dimension_count", "partial_rotary_factor", format::head_dim_of(config) / 2);
}

}  // namespace

Architecture phi2() {
  return {"phi2",
          "phi2",
          read_decoder_config,
          declare_tensors,
          {decoder_embed, parallel_layer, decoder_attention, feed_forward, decoder_layer_norm, decoder_head},
          {.classes = {"PhiForCausalLM"},
           .architecture = "phi2",
           .tensors = decoder_rules({
               {"lm_head.bias", "output.bias"},
               {"model.final_layernorm.weight", "output_norm.weight"},
               {"model.final_layernorm.bias", "output_norm.bias"},
               {"model.layers.*.input_layernorm.bias", "blk.*.attn_norm.bias"},
               {"model.layers.*.self_attn.dense.weight", "blk.*.attn_output.weight"},
               {"model.layers.*.self_attn.dense.bias", "blk.*.attn_output.bias"},
               {"model.layers.*.mlp.fc1.weight", "blk.*.ffn_up.weight"},
               {"model.layers.*.mlp.fc1.bias", "blk.*.ffn_up.bias"},
               {"model.layers.*.mlp.fc2.weight", "blk.*.ffn_down.weight"},
               {"model.layers.*.mlp.fc2.bias", "blk.*.ffn_down.bias"},
           }),
           .fill = fill,
           .ids = {.bos = 1, .eos = 2}}};
}

}  // namespace kinglet::models
