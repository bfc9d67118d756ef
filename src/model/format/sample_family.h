// A family for tests of folders: decoders named as those of Llama are.
#pragma once

#include <array>

#include "model/format/hf_keys.h"

namespace kinglet::format::samples {

inline HfFamilies sample_families() {
  using enum Change;
  static const std::array<HfFamily, 1> kFamilies = {HfFamily{
      .classes = {"LlamaForCausalLM"},
      .architecture = "llama",
      .tensors =
          {
              {"model.embed_tokens.weight", "token_embd.weight"},
              {"model.norm.weight", "output_norm.weight"},
              {"lm_head.weight", "output.weight"},
              {"model.layers.*.input_layernorm.weight", "blk.*.attn_norm.weight"},
              {"model.layers.*.self_attn.q_proj.weight", "blk.*.attn_q.weight", kQueryHeads},
              {"model.layers.*.self_attn.k_proj.weight", "blk.*.attn_k.weight", kKeyHeads},
              {"model.layers.*.self_attn.v_proj.weight", "blk.*.attn_v.weight"},
              {"model.layers.*.self_attn.o_proj.weight", "blk.*.attn_output.weight"},
              {"model.layers.*.self_attn.q_proj.bias", "blk.*.attn_q.bias", kQueryHeads},
              {"model.layers.*.post_attention_layernorm.weight", "blk.*.ffn_norm.weight"},
              {"model.layers.*.mlp.gate_proj.weight", "blk.*.ffn_gate.weight"},
              {"model.layers.*.mlp.up_proj.weight", "blk.*.ffn_up.weight"},
              {"model.layers.*.mlp.down_proj.weight", "blk.*.ffn_down.weight"},
              {"model.layers.*.mlp.experts.*.w1.weight", "blk.*.ffn_gate_exps.weight"},
          },
      .ignored = {".rotary_emb.inv_freq"},
      .fill =
          [](HfKeys& keys) {
            fill_decoder(keys);
            keep_halves(keys);
          },
      .make = rope_tensors,
      .ids = {.bos = 1, .eos = 2},
  }};
  return kFamilies;
}

}  // namespace kinglet::format::samples
