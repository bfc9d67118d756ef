// BERT and what was trained in its shape (MiniLM, BGE, E5, GTE): learned positions and token types, norms behind the
// branches. Source: Devlin et al. arXiv 1810.04805.
#include "model/models/bert.h"

#include <cmath>

#include "model/models/architectures.h"

namespace kinglet::models {
namespace {

DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_encoder_config(read, false);
  config.first_position = read.count_or_zero("position.first", ConfigReader::kMaxContext);
  if (read.has("position.padding")) {
    const size_t padding = read.count_or_zero("position.padding", ConfigReader::kMaxContext);
    if (padding >= config.first_position)
      read.meta().refuse(read.key("position.padding"), "is no place before the first");
    config.padding = static_cast<int32_t>(padding);
  }
  for (const double x : read.numbers("position.first_rows", config.first_position * config.hidden_dim)) {
    if (!std::isfinite(x)) read.meta().refuse(read.key("position.first_rows"), "has numbers that are not finite");
    config.first_position_rows.push_back(static_cast<float>(x));
  }
  return config;
}

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  declare_encoder_embedding(c, t);
  if (c.first_position_rows.empty()) {
    t.add("position_embd.weight", c.first_position + c.context_len, c.hidden_dim);
  } else {
    t.add_behind(c.first_position_rows, "position_embd.weight", c.context_len, c.hidden_dim);
  }
  for (size_t i = 0; i < c.n_layers; ++i) {
    declare_attention_tensors(c, i, t);
    declare_post_norms(c, i, t);
    t.of_layer(i, "ffn_up.weight", c.layers[i].ffn_dim, c.hidden_dim);
    t.of_layer_optional(i, "ffn_up.bias", 1, c.layers[i].ffn_dim);
    t.of_layer(i, "ffn_down.weight", c.hidden_dim, c.layers[i].ffn_dim);
    t.of_layer_optional(i, "ffn_down.bias", 1, c.hidden_dim);
  }
  declare_classifier_tensors(c, t);
  declare_dense_tensors(c, t);
}

ir::Value embed(Context& c, ir::Value ids) {
  const ir::Value places = ops::embed(c.b, c.positions, c.names["position_embd.weight"]);
  return embedding_norm(c, ops::add(c.b, embed_with_types(c, ids), places));
}

ir::Value feed_forward(Context& c, const LayerWeights& w, ir::Value x_TD) {
  return plain_feed_forward(c, w, x_TD, kernels::Activate::kGelu);
}

void fill(format::HfKeys& keys) {
  require_activation(keys.config(), "hidden_act", {"gelu"});
  if (const std::string kind = keys.config().word_or("position_embedding_type", "absolute"); kind != "absolute")
    keys.config().refuse_setting("position_embedding_type", kind);
  fill_encoder(keys);
}

}  // namespace

Architecture bert_like(std::string_view family, format::HfFamily folder) {
  folder.architecture = "bert";
  return {family,
          "bert",
          read_config,
          declare_tensors,
          {embed, post_norm_layer, decoder_attention, feed_forward, no_final_norm, nullptr, tanh_classifier},
          std::move(folder)};
}

std::vector<format::TensorRule> bert_rules(std::initializer_list<format::TensorRule> more) {
  std::vector<format::TensorRule> rules = {
      {"embeddings.word_embeddings.weight", "token_embd.weight"},
      {"embeddings.token_type_embeddings.weight", "token_types.weight"},
      {"embeddings.LayerNorm.weight", "token_embd_norm.weight"},
      {"embeddings.LayerNorm.bias", "token_embd_norm.bias"},
      {"encoder.layer.*.attention.self.query.weight", "blk.*.attn_q.weight"},
      {"encoder.layer.*.attention.self.query.bias", "blk.*.attn_q.bias"},
      {"encoder.layer.*.attention.self.key.weight", "blk.*.attn_k.weight"},
      {"encoder.layer.*.attention.self.key.bias", "blk.*.attn_k.bias"},
      {"encoder.layer.*.attention.self.value.weight", "blk.*.attn_v.weight"},
      {"encoder.layer.*.attention.self.value.bias", "blk.*.attn_v.bias"},
      {"encoder.layer.*.attention.output.dense.weight", "blk.*.attn_output.weight"},
      {"encoder.layer.*.attention.output.dense.bias", "blk.*.attn_output.bias"},
      {"encoder.layer.*.attention.output.LayerNorm.weight", "blk.*.attn_output_norm.weight"},
      {"encoder.layer.*.attention.output.LayerNorm.bias", "blk.*.attn_output_norm.bias"},
      {"encoder.layer.*.intermediate.dense.weight", "blk.*.ffn_up.weight"},
      {"encoder.layer.*.intermediate.dense.bias", "blk.*.ffn_up.bias"},
      {"encoder.layer.*.output.dense.weight", "blk.*.ffn_down.weight"},
      {"encoder.layer.*.output.dense.bias", "blk.*.ffn_down.bias"},
      {"encoder.layer.*.output.LayerNorm.weight", "blk.*.layer_output_norm.weight"},
      {"encoder.layer.*.output.LayerNorm.bias", "blk.*.layer_output_norm.bias"},
      {"classifier.weight", "cls.output.weight"},
      {"classifier.bias", "cls.output.bias"},
  };
  rules.insert(rules.end(), more.begin(), more.end());
  return rules;
}

namespace {

// A classifier of sequences reads the pooler's rows; llama.cpp loads it under the name of such a layer.
std::vector<format::TensorRule> rules() {
  return bert_rules({{"embeddings.position_embeddings.weight", "position_embd.weight"},
                     {"pooler.dense.weight", "cls.weight"},
                     {"pooler.dense.bias", "cls.bias"}});
}

}  // namespace

Architecture bert() {
  return bert_like("bert", {.classes = {"BertModel", "BertForTokenClassification"},
                            .tensors = rules(),
                            .prefixes = {"bert."},
                            .ignored = {".position_ids", "pooler.dense.weight", "pooler.dense.bias"},
                            .fill = fill,
                            .ids = {.pad = 0}});
}

Architecture bert_classifier() {
  return bert_like("bert_classifier", {.classes = {"BertForSequenceClassification"},
                                       .tensors = rules(),
                                       .prefixes = {"bert."},
                                       .ignored = {".position_ids"},
                                       .fill = fill,
                                       .ids = {.pad = 0}});
}

}  // namespace kinglet::models
