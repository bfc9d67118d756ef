// Mistral: llama with a sliding window on every layer. Its files call themselves llama; the window is under a key that
// the field's other programs do not read. Source: Jiang et al. arXiv 2310.06825.
#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/llama.h"

namespace kinglet::models {
namespace {

void fill(format::HfKeys& keys) {
  format::fill_decoder(keys, {.context_len = 4096 * 32, .n_kv_heads = 8});
  format::keep_halves(keys);
  keys.copy_count_if_set("attention.sliding_window", "sliding_window");
}

void fill_tiny(format::Metadata& metadata) { metadata.set("llama.attention.sliding_window", uint32_t{5}); }

}  // namespace

Architecture mistral() {
  return {"mistral",
          "llama",
          read_llama_config,
          declare_decoder_tensors,
          kDecoderBlocks,
          {.classes = {"MistralForCausalLM"},
           .architecture = "llama",
           .tensors = llama_rules(),
           .fill = fill,
           .make = format::rope_tensors,
           .ids = {.bos = 1, .eos = 2}},
          fill_tiny};
}

}  // namespace kinglet::models
