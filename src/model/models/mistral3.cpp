// Ministral 3: llama with yarn, and queries that grow with the logarithm of their position. Source: Mistral AI's model
// cards; transformers, Ministral3Config.
#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/llama.h"

namespace kinglet::models {
namespace {

struct Growth : FamilyConfig {
  float beta = 0.0F;  // 0: none
  size_t step = 0;
};

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_llama_config(read);
  // What yarn's magnitude is divided by.
  const double weight = read.number_or("rope.scaling.yarn_log_multiplier", 0.0);
  if (weight != 0.0) config.ropes[0].attention_factor /= format::yarn_magnitude(config.ropes[0].factor, weight);
  auto growth = std::make_shared<Growth>();
  growth->beta = static_cast<float>(read.number_or("attention.temperature_scale", 0.0));
  growth->step = config.ropes[0].original_context_len;
  config.family = std::move(growth);
  return config;
}

ir::Value attention(Context& c, const LayerWeights& w, ir::Value x_TD) {
  Heads heads = project_heads(c, w, x_TD);
  heads.q = turn(c, w, heads.q, c.layer(w).n_heads);
  heads.k = turn(c, w, heads.k, c.layer(w).n_kv_heads);
  const auto& growth = c.config.of_family<Growth>();
  if (growth.beta != 0.0F) heads.q = ops::position_scale(c.b, heads.q, c.positions, growth.beta, growth.step);
  return attend_heads(c, w, heads);
}

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  format::fill_decoder(keys, {.norm_eps = 1e-5, .context_len = 262144, .n_kv_heads = 8});
  format::keep_halves(keys);
  const format::HfRope rope = config.rope();
  if (config.find("sliding_window") != nullptr) config.refuse_setting("sliding_window", "set");
  keys.number("attention.temperature_scale", rope.llama4_beta.value_or(0.0));
  if (rope.mscale_all_dim && rope.attention_factor) {
    const double divisor = format::yarn_magnitude(rope.factor, *rope.mscale_all_dim);
    keys.number("rope.scaling.yarn_log_multiplier", *rope.mscale_all_dim);
    keys.number("rope.scaling.attn_factor", *rope.attention_factor * divisor / format::yarn_magnitude(rope.factor));
  }
}

void fill_tiny(format::Metadata& metadata) {
  metadata.set("mistral3.rope.scaling.type", "yarn");
  metadata.set("mistral3.rope.scaling.factor", 8.0F);
  metadata.set("mistral3.rope.scaling.original_context_length", uint32_t{8});
  metadata.set("mistral3.rope.scaling.yarn_log_multiplier", 1.0F);
  metadata.set("mistral3.attention.temperature_scale", 0.1F);
}

}  // namespace

Architecture mistral3() {
  Blocks blocks = kDecoderBlocks;
  blocks.attention = attention;
  return {"mistral3",
          "mistral3",
          read_config,
          declare_decoder_tensors,
          blocks,
          {.classes = {"Ministral3ForCausalLM", "Mistral3ForConditionalGeneration"},
           .architecture = "mistral3",
           .tensors = llama_rules(),
           .prefixes = {"language_model."},
           .fill = fill,
           .ids = {.bos = 1, .eos = 2, .pad = 11}},
          fill_tiny};
}

}  // namespace kinglet::models
