// Qwen 2 and 2.5: llama with biases on q, k and v. Source: Yang et al. arXiv 2407.10671.
#include "model/models/qwen2.h"

#include "model/format/hf_keys.h"
#include "model/models/architectures.h"

namespace kinglet::models {

// Windows count only where a switch says so, and then from a certain layer on.
void fill_qwen_windows(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  if (!config.truth_or("use_sliding_window", false)) return;
  std::vector<bool> is_windowed = format::layers_of_type(config, "sliding_attention");
  if (is_windowed.empty()) {
    const uint64_t first = config.count_or("max_window_layers", 28);
    for (uint64_t i = 0; i < config.count("num_hidden_layers"); ++i) is_windowed.push_back(i >= first);
  }
  format::fill_windows(keys, is_windowed, {});
}

DecoderConfig read_qwen_config(const ConfigReader& read) {
  DecoderConfig config = read_decoder_config(read);
  read_windows(read, config, [](size_t) { return false; });
  return config;
}

namespace {

void fill(format::HfKeys& keys) {
  format::fill_decoder(keys, {.context_len = 32768, .n_kv_heads = 32});
  fill_qwen_windows(keys);
}

}  // namespace

Architecture qwen2() {
  return {"qwen2",
          "qwen2",
          read_qwen_config,
          declare_decoder_tensors,
          kDecoderBlocks,
          {.classes = {"Qwen2ForCausalLM"},
           .architecture = "qwen2",
           .tensors = decoder_rules(),
           .fill = fill,
           .make = format::rope_tensors}};
}

}  // namespace kinglet::models
