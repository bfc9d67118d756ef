// Phi 3, 3.5 and 4: fused projections, longrope, a window on every layer where the file has one.
// Source: Abdin et al. arXiv 2404.14219.
#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/decoder.h"

namespace kinglet::models {
namespace {

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_decoder_config(read);
  read_windows(read, config, [](size_t) { return true; });
  // Files say it by their tensors alone.
  if (read.file().find("rope_factors_long.weight") != nullptr) config.ropes[0].scaling = RopeScaling::kLongrope;
  return config;
}

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  declare_outer_tensors(c, t);
  for (size_t i = 0; i < c.n_layers; ++i) {
    t.of_layer(i, "attn_norm.weight", 1, c.hidden_dim);
    declare_fused_attention_tensors(c, i, t);
    t.of_layer(i, "ffn_norm.weight", 1, c.hidden_dim);
    t.of_layer(i, "ffn_up.weight", 2 * c.layers[i].ffn_dim, c.hidden_dim);  // gate, then up
    t.of_layer(i, "ffn_down.weight", c.hidden_dim, c.layers[i].ffn_dim);
  }
}

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  format::fill_decoder(keys, {.norm_eps = 1e-5, .context_len = 4096});
  // 0 tells files of Phi 4 from others.
  keys.copy_count("attention.sliding_window", "sliding_window", 0);
  if (!config.rope().short_factors.empty()) return;
  keys.copy_count("rope.scaling.original_context_length", "original_max_position_embeddings", 4096);
}

}  // namespace

Architecture phi3() {
  return {"phi3",
          "phi3",
          read_config,
          declare_tensors,
          kDecoderBlocks,
          {.classes = {"Phi3ForCausalLM"},
           .architecture = "phi3",
           .tensors = decoder_rules({
               {"model.layers.*.self_attn.qkv_proj.weight", "blk.*.attn_qkv.weight"},
               {"model.layers.*.mlp.gate_up_proj.weight", "blk.*.ffn_up.weight"},
           }),
           .fill = fill,
           .make = format::rope_tensors,
           .ids = {.bos = 1, .eos = 32000, .pad = 32000}}};
}

}  // namespace kinglet::models
