// ModernBERT: pre-norm, rotary, gated feed-forward; every third layer sees all, the others a window around the row and
// turn by a base of their own. Source: Warner et al. arXiv 2412.13663.
#include "model/models/architectures.h"
#include "model/models/encoder.h"
#include "model/models/gemma3.h"

namespace kinglet::models {
namespace {

constexpr uint64_t kPeriod = 3;  // of which the first layer sees all

struct ModernBert : FamilyConfig {
  kernels::Activate activate = kernels::Activate::kGelu;
};

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_encoder_config(read, true);
  const size_t period = read.count_or("attention.sliding_window_pattern", kPeriod);
  read_symmetric_windows(read, config, [&](size_t i) { return i % period != 0; });
  read_local_rope(read, config);
  auto family = std::make_shared<ModernBert>();
  const std::string_view act = read.word_or("hidden_act", "gelu");
  if (act != "gelu" && act != "silu")
    read.meta().refuse(read.key("hidden_act"), str("is ", act, ", supported are gelu and silu"));
  if (act == "silu") family->activate = kernels::Activate::kSilu;
  config.family = family;
  // Files without this key are of rerankers that take the mean.
  if (config.classifier_pooling == Pooling::kCls && !read.has("classifier.pooling_type"))
    config.classifier_pooling = Pooling::kMean;
  return config;
}

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  declare_encoder_embedding(c, t);
  t.add("output_norm.weight", 1, c.hidden_dim);
  for (size_t i = 0; i < c.n_layers; ++i) {
    // The first layer reads rows that are normed already.
    if (i == 0) {
      t.of_layer_optional(i, "attn_norm.weight", 1, c.hidden_dim);
    } else {
      t.of_layer(i, "attn_norm.weight", 1, c.hidden_dim);
    }
    declare_fused_attention_tensors(c, i, t);
    t.of_layer(i, "ffn_norm.weight", 1, c.hidden_dim);
    t.of_layer(i, "ffn_up.weight", 2 * c.layers[i].ffn_dim, c.hidden_dim);
    t.of_layer(i, "ffn_down.weight", c.hidden_dim, c.layers[i].ffn_dim);
  }
  declare_classifier_tensors(c, t);
  declare_dense_tensors(c, t);
  t.add_optional("cls.norm.weight", 1, c.hidden_dim);
}

ir::Value embed(Context& c, ir::Value ids) { return embedding_norm(c, embed_with_types(c, ids)); }

ir::Value layer(Context& c, const LayerWeights& w, ir::Value x_TD) {
  const ir::Value normed = w.has("attn_norm.weight") ? layer_norm(c, w, "attn_norm", x_TD) : x_TD;
  x_TD = ops::add(c.b, x_TD, c.blocks.attention(c, w, normed));
  return ops::add(c.b, x_TD, c.blocks.feed_forward(c, w, layer_norm(c, w, "ffn_norm", x_TD)));
}

ir::Value feed_forward(Context& c, const LayerWeights& w, ir::Value x_TD) {
  return gated_feed_forward(c, w, x_TD, c.config.of_family<ModernBert>().activate);
}

ir::Value final_norm(Context& c, ir::Value x_ND) {
  return ops::layer_norm(c.b, x_ND, c.names["output_norm.weight"], std::nullopt, c.config.norm_eps);
}

ir::Value classify(Context& c, ir::Value x_ND) {
  if (const auto dense = c.names.find("cls.weight")) {
    x_ND = ops::activation(c.b, kernels::Activate::kGelu, ops::linear(c.b, x_ND, *dense, c.names.find("cls.bias")));
    if (const auto norm = c.names.find("cls.norm.weight"))
      x_ND = ops::layer_norm(c.b, x_ND, *norm, std::nullopt, c.config.norm_eps);
  }
  return ops::linear(c.b, x_ND, c.names["cls.output.weight"], c.names.find("cls.output.bias"));
}

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  require_activation(config, "hidden_activation", {"gelu", "silu"});
  require_activation(config, "classifier_activation", {"gelu"});
  for (const std::string_view key : {"norm_bias", "attention_bias", "mlp_bias"}) {
    if (config.truth_or(key, false)) config.refuse_setting(key, "true");
  }
  fill_encoder(keys, {.eps = "norm_eps", .eps_default = 1e-5, .context_len = 8192});
  keys.word("hidden_act", config.word_or("hidden_activation", "gelu"));
  keys.copy_count("attention.sliding_window", "local_attention", 128);
  const uint64_t period = config.count_or("global_attn_every_n_layers", kPeriod);
  if (period == 0) config.refuse_setting("global_attn_every_n_layers", "0");
  keys.count("attention.sliding_window_pattern", "global_attn_every_n_layers", period);
  const std::vector<bool> sees_all = format::layers_of_type(config, "full_attention");
  for (size_t i = 0; i < sees_all.size(); ++i) {
    if (sees_all[i] != (i % period == 0)) config.refuse_setting("layer_types", "not periodic");
  }
  const bool is_newer = config.has("rope_parameters");
  keys.number("rope.freq_base", is_newer ? config.rope().base : config.number_or("global_rope_theta", 160000.0));
  keys.number("rope.freq_base_swa",
              is_newer ? config.rope("sliding_attention").base : config.number_or("local_rope_theta", 10000.0));
  keys.word("rope.scaling.type", "none");
  const std::string pooling = config.word_or("classifier_pooling", "cls");
  if (pooling != "cls" && pooling != "mean") config.refuse_setting("classifier_pooling", pooling);
  keys.count("classifier.pooling_type", "classifier_pooling", pooling == "mean" ? 1 : 2);
}

void fill_tiny(format::Metadata& metadata) {
  metadata.set("modern-bert.attention.sliding_window", uint32_t{6});
  metadata.set("modern-bert.attention.sliding_window_pattern", uint32_t{2});
  metadata.set("modern-bert.rope.freq_base", 160000.0F);
}

}  // namespace

Architecture modernbert() {
  return {"modernbert",
          "modern-bert",
          read_config,
          declare_tensors,
          {embed, layer, decoder_attention, feed_forward, final_norm, nullptr, classify},
          {.classes = {"ModernBertModel", "ModernBertForSequenceClassification", "ModernBertForTokenClassification"},
           .architecture = "modern-bert",
           .tensors =
               {
                   {"embeddings.tok_embeddings.weight", "token_embd.weight"},
                   {"embeddings.norm.weight", "token_embd_norm.weight"},
                   {"final_norm.weight", "output_norm.weight"},
                   {"layers.*.attn_norm.weight", "blk.*.attn_norm.weight"},
                   {"layers.*.attn.Wqkv.weight", "blk.*.attn_qkv.weight"},
                   {"layers.*.attn.Wo.weight", "blk.*.attn_output.weight"},
                   {"layers.*.mlp_norm.weight", "blk.*.ffn_norm.weight"},
                   {"layers.*.mlp.Wi.weight", "blk.*.ffn_up.weight"},
                   {"layers.*.mlp.Wo.weight", "blk.*.ffn_down.weight"},
                   {"head.dense.weight", "cls.weight"},
                   {"head.norm.weight", "cls.norm.weight"},
                   {"classifier.weight", "cls.output.weight"},
                   {"classifier.bias", "cls.output.bias"},
               },
           .prefixes = {"model."},
           .fill = fill},
          fill_tiny};
}

}  // namespace kinglet::models
