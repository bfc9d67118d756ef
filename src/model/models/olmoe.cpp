// OLMoE: Llama's layers with experts; q and k are normed over all heads at once.
// Source: Muennighoff et al. arXiv 2409.02060.
#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/qwen3.h"

namespace kinglet::models {
namespace {

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_decoder_config(read);
  read_experts(read, config);
  if (config.experts.n_used == 0) read.meta().refuse(read.key("expert_count"), "is missing");
  config.experts.renormalize = read.truth_or("expert_weights_norm", false);
  return config;
}

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  declare_decoder_tensors(c, t);
  for (size_t i = 0; i < c.n_layers; ++i) {
    t.of_layer(i, "attn_q_norm.weight", 1, c.layers[i].n_heads * c.layers[i].head_dim);
    t.of_layer(i, "attn_k_norm.weight", 1, c.layers[i].n_kv_heads * c.layers[i].head_dim);
  }
}

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  format::fill_decoder(keys, {.norm_eps = 1e-5, .context_len = 4096});
  keys.copy_count("expert_count", "num_experts", 64);
  keys.copy_count("expert_used_count", "num_experts_per_tok", 8);
  // A key that llama.cpp does not read here.
  if (config.truth_or("norm_topk_prob", false)) keys.truth("expert_weights_norm", true);
  if (config.find("clip_qkv") != nullptr) config.refuse_setting("clip_qkv", "a number");
}

void fill_tiny(format::Metadata& metadata) {
  metadata.set("olmoe.expert_count", uint32_t{6});
  metadata.set("olmoe.expert_used_count", uint32_t{3});
}

}  // namespace

Architecture olmoe() {
  Blocks blocks = kDecoderBlocks;
  blocks.attention = head_norm_attention;
  return {"olmoe",
          "olmoe",
          read_config,
          declare_tensors,
          blocks,
          {.classes = {"OlmoeForCausalLM"},
           .architecture = "olmoe",
           .tensors = with_head_norms(decoder_rules({
               {"model.layers.*.mlp.gate.weight", "blk.*.ffn_gate_inp.weight"},
               {"model.layers.*.mlp.experts.*.gate_proj.weight", "blk.*.ffn_gate_exps.weight"},
               {"model.layers.*.mlp.experts.*.up_proj.weight", "blk.*.ffn_up_exps.weight"},
               {"model.layers.*.mlp.experts.*.down_proj.weight", "blk.*.ffn_down_exps.weight"},
           })),
           .fill = fill,
           .make = format::rope_tensors},
          fill_tiny};
}

}  // namespace kinglet::models
