// SmolLM3: llama without positions on every fourth layer. Source: Hugging Face's model card; Yang et al. arXiv
// 2501.18795.
#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/llama.h"

namespace kinglet::models {
namespace {

bool turns_by_rule(size_t layer_idx) { return (layer_idx + 1) % 4 != 0; }

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_llama_config(read);
  const std::vector<bool> pattern = read.truths("rope.pattern", config.n_layers);
  for (size_t i = 0; i < config.n_layers; ++i) {
    if (!(pattern.empty() ? turns_by_rule(i) : pattern[i])) config.layers[i].rope.reset();
  }
  return config;
}

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  format::fill_decoder(keys, {.context_len = 32768, .n_kv_heads = 4});
  format::keep_halves(keys);
  if (config.truth_or("use_sliding_window", false)) config.refuse_setting("use_sliding_window", "true");
  // 1: the layer turns.
  std::vector<bool> turns;
  for (const uint64_t turn : config.counts("no_rope_layers")) turns.push_back(turn != 0);
  const uint64_t interval = config.count_or("no_rope_layer_interval", 4);
  const uint64_t n_layers = config.count("num_hidden_layers");
  for (uint64_t i = 0; turns.size() < n_layers; ++i) turns.push_back(interval == 0 || (i + 1) % interval != 0);
  bool is_usual = true;
  for (size_t i = 0; i < n_layers; ++i) is_usual = is_usual && turns[i] == turns_by_rule(i);
  if (!is_usual) keys.truths("rope.pattern", turns);
}

void fill_tiny(format::Metadata& metadata) { metadata.set_truths("smollm3.rope.pattern", {false, true}); }

}  // namespace

Architecture smollm3() {
  return {"smollm3",
          "smollm3",
          read_config,
          declare_decoder_tensors,
          kDecoderBlocks,
          {.classes = {"SmolLM3ForCausalLM"},
           .architecture = "smollm3",
           .tensors = llama_rules(),
           .fill = fill,
           .make = format::rope_tensors,
           .is_tied = true,
           .ids = {.bos = 128000, .eos = 128001}},
          fill_tiny};
}

}  // namespace kinglet::models
