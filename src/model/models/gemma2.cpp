// Gemma 2: norms on both sides of each block, caps on scores and logits, a window on every other layer.
// Source: Gemma Team, arXiv 2408.00118.
#include <cmath>

#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/gemma.h"

namespace kinglet::models {
namespace {

constexpr size_t kLayersOf27B = 46;  // whose files do not say that scale_by_hidden holds

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_gemma_config(read);
  read_windows(read, config, [](size_t i) { return i % 2 == 0; });
  if (config.n_layers == kLayersOf27B) scale_by_hidden(read, config);
  return config;
}

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  declare_decoder_tensors(c, t);
  for (size_t i = 0; i < c.n_layers; ++i) declare_sandwich_norms(c, i, t);
}

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  format::fill_decoder(keys, {.context_len = 8192, .activations = {"gelu_pytorch_tanh"}});
  keys.number("attn_logit_softcapping", config.number_or("attn_logit_softcapping", 50.0));
  keys.number("final_logit_softcapping", config.number_or("final_logit_softcapping", 30.0));
  fill_query_scale(keys, 256);
  std::vector<bool> usual;
  for (uint64_t i = 0; i < config.count("num_hidden_layers"); ++i) usual.push_back(i % 2 == 0);
  format::fill_windows(keys, format::layers_of_type(config, "sliding_attention"), usual);
}

void fill_tiny(format::Metadata& metadata) {
  metadata.set("gemma2.attention.sliding_window", uint32_t{5});
  metadata.set("gemma2.attn_logit_softcapping", 2.0F);
  metadata.set("gemma2.final_logit_softcapping", 6.0F);
}

}  // namespace

Architecture gemma2() {
  Blocks blocks = kDecoderBlocks;
  blocks.layer = sandwich_layer;
  blocks.feed_forward = gelu_feed_forward;
  return {"gemma2",
          "gemma2",
          read_config,
          declare_tensors,
          blocks,
          {.classes = {"Gemma2ForCausalLM"},
           .architecture = "gemma2",
           .tensors = around_one(sandwich_rules()),
           .fill = fill,
           .is_tied = true,
           .ids = {.bos = 2, .eos = 1, .pad = 0}},
          fill_tiny};
}

}  // namespace kinglet::models
