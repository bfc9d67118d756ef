// Qwen 3.5 with experts: its layers, and in place of the feed-forward chosen experts beside one that every row passes,
// gated. Sources: Qwen's model cards; transformers, Qwen3_5MoeForCausalLM.
#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/experts.h"
#include "model/models/qwen35.h"

namespace kinglet::models {
namespace {

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_qwen35_config(read);
  read_experts(read, config);
  if (config.experts.n_used == 0) read.meta().refuse(read.key("expert_count"), "is missing");
  config.experts.renormalize = true;
  if (config.experts.shared_ffn_dim == 0)
    read.meta().refuse(read.key("expert_shared_feed_forward_length"), "is missing");
  return config;
}

void declare_experts(const DecoderConfig& c, size_t i, TensorTable& t) {
  declare_expert_tensors(c, i, t);
  t.of_layer(i, "ffn_gate_inp_shexp.weight", 1, c.hidden_dim);
}

// Layers that guess have as many experts as the others.
void declare_guessing_experts(const DecoderConfig& c, size_t i, TensorTable& t) {
  DecoderConfig all = c;
  all.layers[i].n_experts = c.layers[0].n_experts;
  declare_experts(all, i, t);
}

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  declare_outer_tensors(c, t);
  for (size_t i = 0; i < c.n_layers; ++i) {
    t.of_layer(i, "attn_norm.weight", 1, c.hidden_dim);
    declare_qwen35_mixer(c, i, t);
    t.of_layer(i, "post_attention_norm.weight", 1, c.hidden_dim);
    declare_experts(c, i, t);
  }
  declare_guessing_layers(c, t, declare_guessing_experts);
}

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  // Nothing reads the length of a dense feed-forward; files have the experts' there.
  const uint64_t ffn_dim = config.count_or("moe_intermediate_size", 512);
  format::fill_decoder(keys, {.context_len = 32768, .ffn_dim = ffn_dim});
  fill_qwen35(keys);
  keys.copy_count("expert_count", "num_experts", 256);
  keys.copy_count("expert_used_count", "num_experts_per_tok", 8);
  keys.count("expert_feed_forward_length", "moe_intermediate_size", ffn_dim);
  keys.copy_count("expert_shared_feed_forward_length", "shared_expert_intermediate_size", 512);
}

void fill_tiny(format::Metadata& metadata) {
  fill_tiny_qwen35(metadata, "qwen35moe");
  metadata.set("qwen35moe.expert_count", uint32_t{4});
  metadata.set("qwen35moe.expert_used_count", uint32_t{2});
  metadata.set("qwen35moe.expert_feed_forward_length", uint32_t{32});
  metadata.set("qwen35moe.expert_shared_feed_forward_length", uint32_t{64});
}

}  // namespace

Architecture qwen35_moe() {
  return {"qwen3_5_moe",
          "qwen35moe",
          read_config,
          declare_tensors,
          {decoder_embed, qwen35_layer, qwen35_mixer, expert_feed_forward, decoder_norm, decoder_head},
          {.classes = {"Qwen3_5MoeForCausalLM", "Qwen3_5MoeForConditionalGeneration"},
           .architecture = "qwen35moe",
           .tensors = qwen35_rules({
               {"layers.*.mlp.gate.weight", "blk.*.ffn_gate_inp.weight"},
               // One by one, or in stacks.
               {"layers.*.mlp.experts.*.gate_proj.weight", "blk.*.ffn_gate_exps.weight"},
               {"layers.*.mlp.experts.*.up_proj.weight", "blk.*.ffn_up_exps.weight"},
               {"layers.*.mlp.experts.*.down_proj.weight", "blk.*.ffn_down_exps.weight"},
               {"layers.*.mlp.experts.gate_up_proj", "blk.*.ffn_gate_up_exps.weight"},
               {"layers.*.mlp.experts.down_proj", "blk.*.ffn_down_exps.weight"},
               {"layers.*.mlp.shared_expert.gate_proj.weight", "blk.*.ffn_gate_shexp.weight"},
               {"layers.*.mlp.shared_expert.up_proj.weight", "blk.*.ffn_up_shexp.weight"},
               {"layers.*.mlp.shared_expert.down_proj.weight", "blk.*.ffn_down_shexp.weight"},
               {"layers.*.mlp.shared_expert_gate.weight", "blk.*.ffn_gate_inp_shexp.weight"},
           }),
           .prefixes = {"model.language_model.", "model."},
           .other_parts = {"model.visual.", "mtp."},
           .fill = fill,
           .make = make_qwen35},
          fill_tiny};
}

}  // namespace kinglet::models
