// EmbeddingGemma: Gemma 3 whose rows see each other in both directions. Source: Schechter Vera et al. arXiv 2509.20354.
#include "model/models/architectures.h"
#include "model/models/encoder.h"
#include "model/models/gemma3.h"

namespace kinglet::models {
namespace {

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_gemma3_config(read);
  config.is_causal = false;
  for (LayerConfig& layer : config.layers) {
    // Half of it to each side; the row itself counts on both.
    if (layer.window > 0) layer.window = layer.window / 2 + 1;
  }
  read_heads(read, config);
  return config;
}

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  declare_gemma3_tensors(c, t);
  declare_dense_tensors(c, t);
}

void fill(format::HfKeys& keys) {
  if (!keys.config().truth_or("use_bidirectional_attention", false))
    keys.config().refuse_setting("use_bidirectional_attention", "false for an encoder");
  fill_gemma3(keys);
  keys.truth("attention.causal", false);
}

// The same names without the decoder's first part.
std::vector<format::TensorRule> rules() {
  std::vector<format::TensorRule> rules = gemma3_rules();
  constexpr std::string_view kModel = "model.";
  for (format::TensorRule& rule : rules) {
    if (rule.hf.starts_with(kModel)) rule.hf.remove_prefix(kModel.size());
  }
  return rules;
}

void fill_tiny(format::Metadata& metadata) {
  metadata.set("gemma-embedding.attention.sliding_window", uint32_t{6});
  metadata.set("gemma-embedding.attention.sliding_window_pattern", uint32_t{2});
}

}  // namespace

Architecture embeddinggemma() {
  Blocks blocks = gemma3_blocks();
  blocks.head = nullptr;
  return {"embeddinggemma",
          "gemma-embedding",
          read_config,
          declare_tensors,
          blocks,
          {.classes = {"Gemma3TextModel"},
           .architecture = "gemma-embedding",
           .tensors = rules(),
           .prefixes = {"model."},
           .fill = fill,
           .is_tied = true,
           .ids = {.bos = 2, .eos = 1, .pad = 0}},
          fill_tiny};
}

}  // namespace kinglet::models
