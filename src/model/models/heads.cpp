#include "model/models/heads.h"

#include "model/format/printable.h"

namespace kinglet::models {
void read_heads(const ConfigReader& read, DecoderConfig& config, Pooling fallback) {
  config.pooling = read.pooling_or("pooling_type", fallback);
  for (const std::string_view name : {"dense_2", "dense_3"}) {
    const format::TensorEntry* dense = read.file().find(str(name, ".weight"));
    if (dense == nullptr) break;
    const std::string key = str(name, "_activation");
    const std::string_view activation = read.word_or(key, "none");
    if (activation != "none" && activation != "tanh") {
      fail_with(ErrorCode::kUnsupported, read.meta().name(), ": ", read.key(key), " is ", format::printable(activation),
                ", supported are none and tanh");
    }
    config.dense.push_back({static_cast<size_t>(dense->n_rows()), activation == "tanh"});
  }
  const format::TensorEntry* output = read.file().find("cls.output.weight");
  if (output == nullptr) return;
  config.n_labels = static_cast<size_t>(output->n_rows());
  // A file that says "no pooling" classifies tokens.
  config.classifier_pooling =
      config.pooling == Pooling::kNone ? Pooling::kNone : read.pooling_or("classifier.pooling_type", Pooling::kCls);
}

void declare_classifier_tensors(const DecoderConfig& c, TensorTable& t) {
  t.add_optional("cls.weight", c.hidden_dim, c.hidden_dim);
  t.add_optional("cls.bias", 1, c.hidden_dim);
  if (c.n_labels == 0) return;
  t.add("cls.output.weight", c.n_labels, c.hidden_dim);
  t.add_optional("cls.output.bias", 1, c.n_labels);
}

void declare_dense_tensors(const DecoderConfig& c, TensorTable& t) {
  size_t width = c.hidden_dim;
  for (size_t i = 0; i < c.dense.size(); ++i) {
    t.add(str("dense_", i + 2, ".weight"), c.dense[i].width, width);
    t.add_optional(str("dense_", i + 2, ".bias"), 1, c.dense[i].width);
    width = c.dense[i].width;
  }
}

ir::Value dense_layers(Context& c, ir::Value x_SD) {
  for (size_t i = 0; i < c.config.dense.size(); ++i) {
    const std::string name = str("dense_", i + 2);
    x_SD = ops::linear(c.b, x_SD, c.names[str(name, ".weight")], c.names.find(str(name, ".bias")));
    if (c.config.dense[i].has_tanh) x_SD = ops::softcap(c.b, x_SD, 1.0F);  // a cap of one is tanh itself
  }
  return x_SD;
}

ir::Value pool_rows(Context& c, ir::Value hidden_TD, Pooling pooling) {
  switch (pooling) {
    case Pooling::kMean:
      return ops::pool(c.b, hidden_TD, ops::PoolKind::kMean);
    case Pooling::kLast:
      return ops::pool(c.b, hidden_TD, ops::PoolKind::kLast);
    default:
      return ops::pool(c.b, hidden_TD, ops::PoolKind::kFirst);
  }
}

ir::Value tanh_classifier(Context& c, ir::Value x_ND) {
  if (const auto dense = c.names.find("cls.weight")) {
    x_ND = ops::softcap(c.b, ops::linear(c.b, x_ND, *dense, c.names.find("cls.bias")), 1.0F);
  }
  return ops::linear(c.b, x_ND, c.names["cls.output.weight"], c.names.find("cls.output.bias"));
}

}  // namespace kinglet::models
