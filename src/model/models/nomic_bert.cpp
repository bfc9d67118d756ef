// Nomic's BERT (nomic-embed-text): rotary positions, SwiGLU, fused q, k and v, no biases in the products.
// Source: Nussbaum et al. arXiv 2402.01613.
#include <array>

#include "model/models/architectures.h"
#include "model/models/encoder.h"

namespace kinglet::models {
namespace {

DecoderConfig read_config(const ConfigReader& read) { return read_encoder_config(read, true); }

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  declare_encoder_embedding(c, t);
  for (size_t i = 0; i < c.n_layers; ++i) {
    declare_fused_attention_tensors(c, i, t);
    declare_post_norms(c, i, t);
    declare_gated_tensors(c, i, t);
  }
  declare_classifier_tensors(c, t);
  declare_dense_tensors(c, t);
}

ir::Value embed(Context& c, ir::Value ids) { return embedding_norm(c, embed_with_types(c, ids)); }

// The model's own code, from before transformers had the class, spells its settings as GPT-2 does.
void fill_older(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  require_activation(config, "activation_function", {"swiglu"});
  for (const std::string_view key :
       {"prenorm", "causal", "qkv_proj_bias", "mlp_fc1_bias", "mlp_fc2_bias", "rotary_emb_interleaved"}) {
    if (config.truth_or(key, false)) config.refuse_setting(key, "true");
  }
  if (config.count_or("moe_every_n_layers", 0) != 0) config.refuse_setting("moe_every_n_layers", "set");
  if (config.number_or("rotary_emb_fraction", 1.0) != 1.0) config.refuse_setting("rotary_emb_fraction", "not 1");
  // Positions beyond those of training are there for a base that grows with the length.
  const uint64_t n_positions = config.count("n_positions");
  keys.count("context_length", "n_positions", std::min(n_positions, config.count_or("max_trained_positions", 2048)));
  keys.copy_count("embedding_length", "n_embd");
  keys.copy_count("block_count", "n_layer");
  keys.copy_count("feed_forward_length", "n_inner");
  keys.copy_count("attention.head_count", "n_head");
  keys.number("attention.layer_norm_epsilon", config.number_or("layer_norm_epsilon", 1e-12));
  keys.truth("attention.causal", false);
  keys.number("rope.freq_base", config.number_or("rotary_emb_base", 1000.0));
  keys.metadata().set("tokenizer.ggml.token_type_count", static_cast<uint32_t>(config.count_or("type_vocab_size", 2)));
}

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  if (config.has("n_embd")) return fill_older(keys);
  require_activation(config, "hidden_act", {"silu"});
  fill_encoder(keys, {.context_len = 2048});
  const format::HfRope rope = config.rope();
  if (rope.type != "default") config.refuse_setting("rope_type", rope.type, std::array<std::string_view, 1>{"default"});
  keys.number("rope.freq_base", config.has("rope_parameters") || config.has("rope_theta") ? rope.base : 1000.0);
}

void fill_tiny(format::Metadata& metadata) { metadata.set("nomic-bert.rope.freq_base", 1000.0F); }

}  // namespace

Architecture nomic_bert() {
  return {"nomic_bert",
          "nomic-bert",
          read_config,
          declare_tensors,
          {embed, post_norm_layer, decoder_attention, decoder_feed_forward, no_final_norm, nullptr, tanh_classifier},
          {.classes = {"NomicBertModel"},
           .architecture = "nomic-bert",
           .tensors =
               {
                   {"embeddings.word_embeddings.weight", "token_embd.weight"},
                   {"embeddings.token_type_embeddings.weight", "token_types.weight"},
                   {"emb_ln.weight", "token_embd_norm.weight"},
                   {"emb_ln.bias", "token_embd_norm.bias"},
                   {"encoder.layers.*.attn.Wqkv.weight", "blk.*.attn_qkv.weight"},
                   {"encoder.layers.*.attn.out_proj.weight", "blk.*.attn_output.weight"},
                   {"encoder.layers.*.norm1.weight", "blk.*.attn_output_norm.weight"},
                   {"encoder.layers.*.norm1.bias", "blk.*.attn_output_norm.bias"},
                   {"encoder.layers.*.mlp.fc11.weight", "blk.*.ffn_up.weight"},
                   {"encoder.layers.*.mlp.fc12.weight", "blk.*.ffn_gate.weight"},
                   {"encoder.layers.*.mlp.fc2.weight", "blk.*.ffn_down.weight"},
                   {"encoder.layers.*.norm2.weight", "blk.*.layer_output_norm.weight"},
                   {"encoder.layers.*.norm2.bias", "blk.*.layer_output_norm.bias"},
               },
           .fill = fill,
           .ids = {.pad = 0}},
          fill_tiny};
}

}  // namespace kinglet::models
