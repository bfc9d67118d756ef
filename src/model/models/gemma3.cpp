// Gemma 3, text: five layers with a window and a rope of their own to one that sees all; heads of q and k are normed.
// Source: Gemma Team, arXiv 2503.19786.
#include "model/models/gemma3.h"

#include <cmath>

#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/qwen3.h"

namespace kinglet::models {
namespace {

constexpr size_t kLayersOf27B = 62;  // whose files do not say that scale_by_hidden holds
constexpr size_t kPeriod = 6;

std::vector<bool> usual_windows(uint64_t n_layers) {
  std::vector<bool> usual;
  for (uint64_t i = 0; i < n_layers; ++i) usual.push_back(i % kPeriod + 1 < kPeriod);
  return usual;
}

}  // namespace

void read_local_rope(const ConfigReader& read, DecoderConfig& config) {
  RopeConfig local = config.ropes[0];
  local.base = read.number_or("rope.freq_base_swa", 10000.0);
  if (local.base <= 0) read.meta().refuse(read.key("rope.freq_base_swa"), "is not positive");
  local.scaling = RopeScaling::kNone;
  config.ropes.push_back(local);
  for (LayerConfig& layer : config.layers) layer.rope = layer.window > 0 ? 1 : 0;
}

DecoderConfig read_gemma3_config(const ConfigReader& read) {
  DecoderConfig config = read_gemma_config(read);
  read_windows(read, config, [](size_t i) { return i % kPeriod + 1 < kPeriod; });
  read_local_rope(read, config);
  if (config.n_layers == kLayersOf27B) scale_by_hidden(read, config);
  return config;
}

void declare_gemma3_tensors(const DecoderConfig& c, TensorTable& t) {
  declare_decoder_tensors(c, t);
  for (size_t i = 0; i < c.n_layers; ++i) {
    declare_sandwich_norms(c, i, t);
    declare_head_norms(c, i, t);
  }
}

Blocks gemma3_blocks() {
  Blocks blocks = kDecoderBlocks;
  blocks.layer = sandwich_layer;
  blocks.attention = head_norm_attention;
  blocks.feed_forward = gelu_feed_forward;
  return blocks;
}

void fill_local_rope(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  const double older = config.number_or("rope_local_base_freq", 10000.0);
  const bool is_newer = !config.has("rope_local_base_freq") && config.has("rope_parameters");
  keys.number("rope.freq_base_swa", is_newer ? config.rope("sliding_attention").base : older);
}

void fill_gemma3(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  format::fill_decoder(keys, {.context_len = 131072, .activations = {"gelu_pytorch_tanh"}});
  keys.copy_number_if_set("attn_logit_softcapping", "attn_logit_softcapping");
  keys.copy_number_if_set("final_logit_softcapping", "final_logit_softcapping");
  fill_query_scale(keys, 256);
  fill_local_rope(keys);
  const uint64_t n_layers = config.count("num_hidden_layers");
  std::vector<bool> is_windowed = format::layers_of_type(config, "sliding_attention");
  if (const auto period = config.find_count("sliding_window_pattern"); is_windowed.empty() && period && *period > 0) {
    for (uint64_t i = 0; i < n_layers; ++i) is_windowed.push_back((i + 1) % *period != 0);
  }
  format::fill_windows(keys, is_windowed, usual_windows(n_layers));
}

std::vector<format::TensorRule> gemma3_rules() { return around_one(with_head_norms(sandwich_rules())); }

namespace {

void fill_tiny(format::Metadata& metadata) {
  metadata.set("gemma3.attention.sliding_window", uint32_t{5});
  metadata.set("gemma3.attention.sliding_window_pattern", uint32_t{2});
  metadata.set("gemma3.rope.freq_base", 1e6F);
}

}  // namespace

Architecture gemma3() {
  return {"gemma3",
          "gemma3",
          read_gemma3_config,
          declare_gemma3_tensors,
          gemma3_blocks(),
          {.classes = {"Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"},
           .architecture = "gemma3",
           .tensors = gemma3_rules(),
           .prefixes = {"language_model."},
           .fill = fill_gemma3,
           .is_tied = true,
           .ids = {.bos = 2, .eos = 1, .pad = 0}},
          fill_tiny};
}

}  // namespace kinglet::models
