// RoBERTa, XLM-RoBERTa and CamemBERT: BERT whose first positions are for padding. GGUF has the table without them, so
// that a file is one of BERT; a key of ours keeps them. Sources: Liu et al. arXiv 1907.11692, Conneau et al.
// arXiv 1911.02116.
#include "model/models/architectures.h"
#include "model/models/bert.h"

namespace kinglet::models {
namespace {

uint64_t n_unused_positions(const format::HfConfig& config) { return config.count_or("pad_token_id", 1) + 1; }

void fill(format::HfKeys& keys) {
  const format::HfConfig& config = keys.config();
  require_activation(config, "hidden_act", {"gelu"});
  fill_encoder(keys, {.context_len = 514});
  const uint64_t n_rows = config.count_or("max_position_embeddings", 514);
  const uint64_t n_unused = n_unused_positions(config);
  if (n_unused == 0 || n_unused >= n_rows)
    config.refuse_setting("pad_token_id", str(n_unused - 1, " of ", n_rows, " positions"));
  keys.count("context_length", "max_position_embeddings", n_rows - n_unused);
  // Keys of ours.
  keys.count("position.first", "pad_token_id", n_unused);
  keys.count("position.padding", "pad_token_id", n_unused - 1);
}

std::vector<format::MadeTensor> make(const format::HfConfig& config, const format::HfTensors& tensors) {
  const format::SafetensorsEntry& table = tensors.require("embeddings.position_embeddings.weight");
  const uint64_t n_unused = n_unused_positions(config);
  if (table.shape.size() != 2 || table.shape[0] <= n_unused) {
    fail_with(ErrorCode::kInvalidFile, "tensor embeddings.position_embeddings.weight: has no rows beyond the ",
              n_unused, " of padding");
  }
  const std::span<const std::byte> bytes = table.bytes;
  const size_t row_bytes = bytes.size() / static_cast<size_t>(table.shape[0]);
  const uint64_t n_left_out = tensors.is_as_file() ? n_unused : 0;
  const std::span<const std::byte> used = bytes.subspan(static_cast<size_t>(n_left_out) * row_bytes);
  std::vector<format::MadeTensor> made{{"position_embd.weight",
                                        {table.shape[0] - n_left_out, table.shape[1]},
                                        table.format,
                                        [used](std::span<std::byte> out) { std::ranges::copy(used, out.begin()); }}};
  if (n_left_out == 0) return made;
  std::vector<float> first = format::HfTensors::values(table);
  first.resize(static_cast<size_t>(n_left_out * table.shape[1]));
  made.push_back(format::made_of("position.first_rows", {n_left_out, table.shape[1]}, std::move(first)));
  made.back().is_key = true;
  return made;
}

}  // namespace

Architecture roberta() {
  return bert_like("roberta", {.classes = {"RobertaModel", "XLMRobertaModel", "CamembertModel",
                                           "RobertaForSequenceClassification", "XLMRobertaForSequenceClassification",
                                           "CamembertForSequenceClassification", "RobertaForTokenClassification",
                                           "XLMRobertaForTokenClassification", "CamembertForTokenClassification"},
                               .tensors = bert_rules({{"embeddings.position_embeddings.weight", ""},
                                                      {"classifier.dense.weight", "cls.weight"},
                                                      {"classifier.dense.bias", "cls.bias"},
                                                      {"classifier.out_proj.weight", "cls.output.weight"},
                                                      {"classifier.out_proj.bias", "cls.output.bias"}}),
                               .prefixes = {"roberta."},
                               .ignored = {".position_ids", "pooler.dense.weight", "pooler.dense.bias"},
                               .fill = fill,
                               .make = make,
                               .ids = {.bos = 0, .eos = 2, .pad = 1}});
}

}  // namespace kinglet::models
