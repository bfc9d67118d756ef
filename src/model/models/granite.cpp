// Granite 3, dense: llama with four factors. Source: IBM's model cards; transformers, GraniteConfig.
#include "model/models/granite.h"

#include "model/format/hf_keys.h"
#include "model/models/architectures.h"

namespace kinglet::models {

DecoderConfig read_granite_config(const ConfigReader& read) {
  DecoderConfig config = read_llama_config(read);
  config.embedding_scale = read.positive_or("embedding_scale", 1.0F);
  config.residual_scale = read.positive_or("residual_scale", 1.0F);
  config.attention_scale = static_cast<float>(read.number_or("attention.scale", 0.0));
  config.logit_scale = 1.0F / read.positive_or("logit_scale", 1.0F);
  return config;
}

void fill_granite_scales(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  keys.number("attention.scale", config.number_or("attention_multiplier", 1.0));
  keys.number("embedding_scale", config.number_or("embedding_multiplier", 1.0));
  keys.number("residual_scale", config.number_or("residual_multiplier", 1.0));
  keys.number("logit_scale", config.number_or("logits_scaling", 1.0));
}

namespace {

void fill(format::HfKeys& keys) {
  format::fill_decoder(keys);
  format::keep_halves(keys);
  fill_granite_scales(keys);
}

void fill_tiny(format::Metadata& metadata) {
  metadata.set("granite.attention.scale", 0.1F);
  metadata.set("granite.embedding_scale", 3.0F);
  metadata.set("granite.residual_scale", 0.8F);
  metadata.set("granite.logit_scale", 3.0F);
}

}  // namespace

Architecture granite() {
  return {"granite",
          "granite",
          read_granite_config,
          declare_decoder_tensors,
          kDecoderBlocks,
          {.classes = {"GraniteForCausalLM"},
           .architecture = "granite",
           .tensors = llama_rules(),
           .fill = fill,
           .make = format::rope_tensors,
           .ids = {.bos = 1, .eos = 2}},
          fill_tiny};
}

}  // namespace kinglet::models
