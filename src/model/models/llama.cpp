// Llama 1 to 3, SmolLM2, TinyLlama and what else calls itself llama: pre-norm, rotary, grouped heads, SwiGLU.
// Sources: Touvron et al. arXiv 2302.13971 and 2307.09288; Llama 3's frequency factors come with the file.
#include "model/models/llama.h"

#include "model/format/hf_keys.h"
#include "model/models/architectures.h"

namespace kinglet::models {
namespace {

void fill(format::HfKeys& keys) {
  format::fill_decoder(keys);
  format::keep_halves(keys);
}

}  // namespace

DecoderConfig read_llama_config(const ConfigReader& read) {
  DecoderConfig config = read_decoder_config(read);
  pair_neighbours(read, config);
  // Files of Mistral have a window under a key that the field's other programs do not read.
  read_windows(read, config, [](size_t) { return true; });
  return config;
}

std::vector<format::TensorRule> llama_rules(std::initializer_list<format::TensorRule> more) {
  using enum format::Change;
  std::vector<format::TensorRule> rules = {
      {"model.embed_tokens.weight", "token_embd.weight"},
      {"model.norm.weight", "output_norm.weight"},
      {"lm_head.weight", "output.weight"},
      {"model.layers.*.input_layernorm.weight", "blk.*.attn_norm.weight"},
      {"model.layers.*.self_attn.q_proj.weight", "blk.*.attn_q.weight", kQueryHeads},
      {"model.layers.*.self_attn.k_proj.weight", "blk.*.attn_k.weight", kKeyHeads},
      {"model.layers.*.self_attn.v_proj.weight", "blk.*.attn_v.weight"},
      {"model.layers.*.self_attn.o_proj.weight", "blk.*.attn_output.weight"},
      {"model.layers.*.self_attn.q_proj.bias", "blk.*.attn_q.bias", kQueryHeads},
      {"model.layers.*.self_attn.k_proj.bias", "blk.*.attn_k.bias", kKeyHeads},
      {"model.layers.*.self_attn.v_proj.bias", "blk.*.attn_v.bias"},
      {"model.layers.*.self_attn.o_proj.bias", "blk.*.attn_output.bias"},
      {"model.layers.*.post_attention_layernorm.weight", "blk.*.ffn_norm.weight"},
      {"model.layers.*.mlp.gate_proj.weight", "blk.*.ffn_gate.weight"},
      {"model.layers.*.mlp.up_proj.weight", "blk.*.ffn_up.weight"},
      {"model.layers.*.mlp.down_proj.weight", "blk.*.ffn_down.weight"},
  };
  rules.insert(rules.end(), more.begin(), more.end());
  return rules;
}

Architecture llama() {
  return {"llama",
          "llama",
          read_llama_config,
          declare_decoder_tensors,
          kDecoderBlocks,
          {.classes = {"LlamaForCausalLM"},
           .architecture = "llama",
           .tensors = llama_rules(),
           .ignored = {".rotary_emb.inv_freq"},  // older checkpoints keep the table of frequencies
           .fill = fill,
           .make = format::rope_tensors,
           .ids = {.bos = 1, .eos = 2}}};
}

}  // namespace kinglet::models
