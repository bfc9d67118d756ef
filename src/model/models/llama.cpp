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
  // Files of Mixtral call themselves llama too.
  read_experts(read, config);
  config.experts.renormalize = true;
  return config;
}

std::vector<format::TensorRule> llama_rules(std::initializer_list<format::TensorRule> more) {
  std::vector<format::TensorRule> rules = decoder_rules(more);
  for (format::TensorRule& rule : rules) {
    if (rule.hf.find(".q_proj.") != std::string_view::npos) rule.change = format::Change::kQueryHeads;
    if (rule.hf.find(".k_proj.") != std::string_view::npos) rule.change = format::Change::kKeyHeads;
  }
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
