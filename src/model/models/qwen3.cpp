// Qwen 3, dense: queries and keys are normed head by head before they turn. Source: Yang et al. arXiv 2505.09388.
#include "model/models/qwen3.h"

#include <algorithm>
#include <array>

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
  declare_dense_tensors(c, t);
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

// A reranker is asked for yes or no, in the words that it was trained on. Source: the model card of Qwen3-Reranker.
constexpr std::string_view kRerankForm =
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct "
    "provided. Note that the answer can only be \"yes\" or \"no\".<|im_end|>\n<|im_start|>user\n"
    "<Instruct>: Given a web search query, retrieve relevant passages that answer the query\n"
    "<Query>: {query}\n<Document>: {document}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n";

void fill_reranker(format::HfKeys& keys) {
  fill(keys);
  keys.count("pooling_type", "architectures", 4);  // rank
  const std::array<std::string_view, 2> labels = {"yes", "no"};
  keys.words("classifier.output_labels", labels);
  keys.metadata().set("tokenizer.chat_template.rerank", kRerankForm);
  const std::array<std::string_view, 1> forms = {"rerank"};
  keys.metadata().set_strings("tokenizer.chat_templates", forms);
}

// Its scores are the head's rows of these two words; the others are never read.
std::vector<format::MadeTensor> make_reranker(const format::HfConfig& config, const format::HfTensors& tensors) {
  std::vector<format::MadeTensor> made = format::rope_tensors(config, tensors);
  const bool is_tied = config.truth_or("tie_word_embeddings", false);
  const format::SafetensorsEntry& head = tensors.require(is_tied ? "model.embed_tokens.weight" : "lm_head.weight");
  std::vector<std::span<const std::byte>> rows;
  for (const std::string_view word : {"yes", "no"}) {
    const auto id = tensors.find_token(word);
    if (head.shape.size() != 2 || !id || *id >= head.shape[0])
      fail_with(ErrorCode::kInvalidFile, "a reranker has no token ", word, " among its words, or no row for it");
    const size_t row_bytes = head.bytes.size() / static_cast<size_t>(head.shape[0]);
    rows.push_back(head.bytes.subspan(*id * row_bytes, row_bytes));
  }
  made.push_back({"cls.output.weight", {rows.size(), head.shape[1]}, head.format, [rows](std::span<std::byte> out) {
                    std::ranges::copy(rows[1], std::ranges::copy(rows[0], out.begin()).out);
                  }});
  return made;
}

Architecture like_qwen3(std::string_view family, format::HfFamily folder) {
  Blocks blocks = kDecoderBlocks;
  blocks.attention = head_norm_attention;
  blocks.classify = tanh_classifier;
  folder.architecture = "qwen3";
  if (folder.make == nullptr) folder.make = format::rope_tensors;
  return {family, "qwen3", read_config, declare_tensors, blocks, std::move(folder)};
}

}  // namespace

Architecture qwen3() {
  return like_qwen3("qwen3",
                    {.classes = {"Qwen3ForCausalLM"}, .tensors = with_head_norms(decoder_rules()), .fill = fill});
}

Architecture qwen3_reranker() {
  std::vector<format::TensorRule> rules = with_head_norms(decoder_rules({{"lm_head.weight", ""}}));
  return like_qwen3("qwen3_reranker", {.classes = {"Qwen3ForCausalLM"},
                                       .tensors = std::move(rules),
                                       .fill = fill_reranker,
                                       .make = make_reranker,
                                       .called = "qwen3-reranker"});
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
