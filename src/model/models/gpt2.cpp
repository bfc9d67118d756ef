// GPT-2: learned positions, norms with bias, fused q, k and v. Source: Radford et al. 2019, "Language Models are
// Unsupervised Multitask Learners". Folders have matrices turned ([in, out]).
#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/decoder.h"

namespace kinglet::models {
namespace {

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_decoder_config(read);
  for (LayerConfig& layer : config.layers) layer.rope.reset();
  return config;
}

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  t.add("token_embd.weight", c.vocab_size, c.hidden_dim);
  t.add("position_embd.weight", c.context_len, c.hidden_dim);
  t.add("output_norm.weight", 1, c.hidden_dim);
  t.add("output_norm.bias", 1, c.hidden_dim);
  t.add_optional("output.weight", c.vocab_size, c.hidden_dim);
  for (size_t i = 0; i < c.n_layers; ++i) {
    t.of_layer(i, "attn_norm.weight", 1, c.hidden_dim);
    t.of_layer(i, "attn_norm.bias", 1, c.hidden_dim);
    declare_fused_attention_tensors(c, i, t);
    t.of_layer(i, "ffn_norm.weight", 1, c.hidden_dim);
    t.of_layer(i, "ffn_norm.bias", 1, c.hidden_dim);
    t.of_layer(i, "ffn_up.weight", c.layers[i].ffn_dim, c.hidden_dim);
    t.of_layer(i, "ffn_up.bias", 1, c.layers[i].ffn_dim);
    t.of_layer(i, "ffn_down.weight", c.hidden_dim, c.layers[i].ffn_dim);
    t.of_layer(i, "ffn_down.bias", 1, c.hidden_dim);
  }
}

ir::Value embed(Context& c, ir::Value ids) {
  return ops::add(c.b, ops::embed(c.b, ids, c.names["token_embd.weight"]),
                  ops::embed(c.b, c.positions, c.names["position_embd.weight"]));
}

ir::Value layer(Context& c, const LayerWeights& w, ir::Value x_TD) {
  x_TD = ops::add(c.b, x_TD, c.blocks.attention(c, w, layer_norm(c, w, "attn_norm", x_TD)));
  return ops::add(c.b, x_TD, c.blocks.feed_forward(c, w, layer_norm(c, w, "ffn_norm", x_TD)));
}

ir::Value feed_forward(Context& c, const LayerWeights& w, ir::Value x_TD) {
  return plain_feed_forward(c, w, x_TD, kernels::Activate::kGeluTanh);
}

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  if (const std::string act = config.word_or("activation_function", "gelu_new"); act != "gelu_new")
    config.refuse_setting("activation_function", act);
  for (const std::string_view key : {"scale_attn_by_inverse_layer_idx", "reorder_and_upcast_attn"}) {
    if (config.truth_or(key, false)) config.refuse_setting(key, "true");
  }
  const uint64_t n_embd = config.count("n_embd");
  keys.copy_count("vocab_size", "vocab_size");
  keys.copy_count("context_length", "n_positions", config.count_or("n_ctx", 1024));
  keys.count("embedding_length", "n_embd", n_embd);
  keys.copy_count("block_count", "n_layer");
  keys.copy_count("feed_forward_length", "n_inner", 4 * n_embd);
  keys.copy_count("attention.head_count", "n_head");
  keys.number("attention.layer_norm_epsilon", config.number_or("layer_norm_epsilon", 1e-5));
}

}  // namespace

Architecture gpt2() {
  using enum format::Change;
  return {"gpt2",
          "gpt2",
          read_config,
          declare_tensors,
          {embed, layer, decoder_attention, feed_forward, decoder_layer_norm, decoder_head},
          {.classes = {"GPT2LMHeadModel"},
           .architecture = "gpt2",
           .tensors =
               {
                   {"wte.weight", "token_embd.weight"},
                   {"wpe.weight", "position_embd.weight"},
                   {"ln_f.weight", "output_norm.weight"},
                   {"ln_f.bias", "output_norm.bias"},
                   {"lm_head.weight", "output.weight"},
                   {"h.*.ln_1.weight", "blk.*.attn_norm.weight"},
                   {"h.*.ln_1.bias", "blk.*.attn_norm.bias"},
                   {"h.*.attn.c_attn.weight", "blk.*.attn_qkv.weight", kTransposed},
                   {"h.*.attn.c_attn.bias", "blk.*.attn_qkv.bias"},
                   {"h.*.attn.c_proj.weight", "blk.*.attn_output.weight", kTransposed},
                   {"h.*.attn.c_proj.bias", "blk.*.attn_output.bias"},
                   {"h.*.ln_2.weight", "blk.*.ffn_norm.weight"},
                   {"h.*.ln_2.bias", "blk.*.ffn_norm.bias"},
                   {"h.*.mlp.c_fc.weight", "blk.*.ffn_up.weight", kTransposed},
                   {"h.*.mlp.c_fc.bias", "blk.*.ffn_up.bias"},
                   {"h.*.mlp.c_proj.weight", "blk.*.ffn_down.weight", kTransposed},
                   {"h.*.mlp.c_proj.bias", "blk.*.ffn_down.bias"},
               },
           .prefixes = {"transformer."},
           .ignored = {".attn.bias", ".attn.masked_bias"},
           .fill = fill,
           .is_tied = true,
           .ids = {.bos = 50256, .eos = 50256}}};
}

}  // namespace kinglet::models
