// Qwen 3, dense: queries and keys are normed head by head before they turn. Source: Yang et al. arXiv 2505.09388.
#include "model/models/qwen3.h"

#include "model/format/hf_keys.h"
#include "model/models/architectures.h"
#include "model/models/encoder.h"
#include "model/models/qwen2.h"

namespace kinglet::models {

void declare_head_norms(const DecoderConfig& c, size_t i, TensorTable& t) {
  t.of_layer(i, "attn_q_norm.weight", 1, c.layers[i].head_dim);
  t.of_layer(i, "attn_k_norm.weight", 1, c.layers[i].head_dim);
}

ir::Value head_norm_attention(Context& c, const LayerWeights& w, ir::Value x_TD) {
  Heads heads = project_heads(c, w, x_TD);
  heads.q = turn(c, w, rms_norm(c, w, "attn_q_norm", heads.q), c.layer(w).n_heads);
  heads.k = turn(c, w, rms_norm(c, w, "attn_k_norm", heads.k), c.layer(w).n_kv_heads);
  return attend_heads(c, w, heads);
}

std::vector<format::TensorRule> with_head_norms(std::vector<format::TensorRule> rules) {
  rules.insert(rules.begin(), {
                                  {"model.layers.*.self_attn.q_norm.weight", "blk.*.attn_q_norm.weight"},
                                  {"model.layers.*.self_attn.k_norm.weight", "blk.*.attn_k_norm.weight"},
                              });
  return rules;
}

namespace {

// Rerankers and classifiers have scores in place of logits, of the row that has seen all of the text.
DecoderConfig read_config(const ConfigReader& read) {
  DecoderConfig config = read_qwen_config(read);
  read_heads(read, config, Pooling::kNone);
  if (config.n_labels > 0) config.classifier_pooling = Pooling::kLast;
  return config;
}

void declare_tensors(const DecoderConfig& c, TensorTable& t) {
  declare_decoder_tensors(c, t);
  for (size_t i = 0; i < c.n_layers; ++i) declare_head_norms(c, i, t);
  if (c.n_labels > 0) t.add("cls.output.weight", c.n_labels, c.hidden_dim);
}

void fill(format::HfKeys& keys) {
  format::fill_decoder(keys, {.context_len = 32768, .n_kv_heads = 32});
  fill_qwen_windows(keys);
}

void fill_classifier(format::HfKeys& keys) {
  fill(keys);
  keys.count("pooling_type", "architectures", 4);  // rank
  fill_labels(keys);
}

Architecture like_qwen3(std::string_view family, format::HfFamily folder) {
  Blocks blocks = kDecoderBlocks;
  blocks.attention = head_norm_attention;
  blocks.classify = tanh_classifier;
  folder.architecture = "qwen3";
  folder.make = format::rope_tensors;
  return {family, "qwen3", read_config, declare_tensors, blocks, std::move(folder)};
}

}  // namespace

Architecture qwen3() {
  return like_qwen3("qwen3",
                    {.classes = {"Qwen3ForCausalLM"}, .tensors = with_head_norms(decoder_rules()), .fill = fill});
}

Architecture qwen3_classifier() {
  std::vector<format::TensorRule> rules = with_head_norms(decoder_rules());
  rules.push_back({"score.weight", "cls.output.weight"});
  return like_qwen3("qwen3_classifier", {.classes = {"Qwen3ForSequenceClassification"},
                                         .tensors = std::move(rules),
                                         .fill = fill_classifier,
                                         .is_tied = true});
}

}  // namespace kinglet::models
