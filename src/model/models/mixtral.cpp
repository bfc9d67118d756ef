// Mixtral: llama with experts in place of the feed-forward. Its files call themselves llama. Source: Jiang et al. arXiv
// 2401.04088.
#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/llama.h"

namespace kinglet::models {
namespace {

void fill(format::HfKeys& keys) {
  format::fill_decoder(keys, {.norm_eps = 1e-5, .context_len = 4096 * 32, .n_kv_heads = 8});
  format::keep_halves(keys);
  keys.copy_count_if_set("attention.sliding_window", "sliding_window");
  keys.copy_count("expert_count", "num_local_experts", 8);
  keys.copy_count("expert_used_count", "num_experts_per_tok", 2);
}

void fill_tiny(format::Metadata& metadata) {
  metadata.set("llama.expert_count", uint32_t{5});
  metadata.set("llama.expert_used_count", uint32_t{2});
}

}  // namespace

Architecture mixtral() {
  return {"mixtral",
          "llama",
          read_llama_config,
          declare_decoder_tensors,
          kDecoderBlocks,
          {.classes = {"MixtralForCausalLM"},
           .architecture = "llama",
           .tensors = llama_rules({
               {"model.layers.*.block_sparse_moe.gate.weight", "blk.*.ffn_gate_inp.weight"},
               {"model.layers.*.block_sparse_moe.experts.*.w1.weight", "blk.*.ffn_gate_exps.weight"},
               {"model.layers.*.block_sparse_moe.experts.*.w2.weight", "blk.*.ffn_down_exps.weight"},
               {"model.layers.*.block_sparse_moe.experts.*.w3.weight", "blk.*.ffn_up_exps.weight"},
           }),
           .fill = fill,
           .make = format::rope_tensors,
           .ids = {.bos = 1, .eos = 2}},
          fill_tiny};
}

}  // namespace kinglet::models
