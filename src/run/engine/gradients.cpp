#include "run/engine/gradients.h"

#include <algorithm>
#include <array>

#include "run/engine/embedding.h"
#include "run/engine/tokens.h"

namespace kinglet::engine {
namespace {

// Rows of all sequences one after the other, and which of them are scored on what.
struct PackedBatch {
  size_t n_rows = 0;
  std::vector<int32_t> rows;  // of logits or scores
  std::vector<int32_t> labels;
  std::vector<ops::SequenceRows> sequences;
};

// What a row of labels is about.
enum class Labelled : uint8_t { kNextTokens, kTokens, kTexts };

Labelled labelled_by(const models::DecoderConfig& config) {
  if (config.n_labels == 0) return Labelled::kNextTokens;
  return config.classifier_pooling == models::Pooling::kNone ? Labelled::kTokens : Labelled::kTexts;
}

void check_row(const LabelledBatch& batch, size_t i, size_t n_labels_wanted, const models::DecoderConfig& config) {
  const auto& ids = batch.ids[i];
  const auto refuse = [&](std::string_view what, size_t n) {
    fail_with(ErrorCode::kInvalidArgument, "batch: row ", i, " has ", ids.size(), " ids and ", n, " ", what);
  };
  if (ids.empty() || batch.labels[i].size() != n_labels_wanted) refuse("labels", batch.labels[i].size());
  check_tokens(ids, config.vocab_size);
  if (batch.types.empty()) return;
  if (batch.types[i].size() != ids.size()) refuse("types", batch.types[i].size());
  check_tokens(batch.types[i], std::max<size_t>(config.n_token_types, 1), "types: ");
}

PackedBatch pack(const LabelledBatch& batch, const models::DecoderConfig& config) {
  if (batch.ids.size() != batch.labels.size() || (!batch.types.empty() && batch.types.size() != batch.ids.size())) {
    fail_with(ErrorCode::kInvalidArgument, "batch: ", batch.ids.size(), " rows of ids, ", batch.labels.size(),
              " of labels", batch.types.empty() ? std::string() : str(", ", batch.types.size(), " of types"));
  }
  const Labelled labelled = labelled_by(config);
  PackedBatch packed;
  const auto score = [&](size_t row, int32_t label) {
    if (label == LabelledBatch::kUnscored) return;
    packed.rows.push_back(static_cast<int32_t>(row));
    packed.labels.push_back(label);
  };
  for (size_t i = 0; i < batch.ids.size(); ++i) {
    const auto& labels = batch.labels[i];
    const size_t n = batch.ids[i].size();
    check_row(batch, i, labelled == Labelled::kTexts ? 1 : n, config);
    const size_t first_row = packed.n_rows;
    packed.sequences.push_back({first_row, n});
    packed.n_rows += n;
    if (labelled == Labelled::kTexts) {
      score(i, labels[0]);
    } else {
      const size_t shift = labelled == Labelled::kNextTokens ? 1 : 0;
      for (size_t t = 0; t + shift < n; ++t) score(first_row + t, labels[t + shift]);
    }
  }
  check_tokens(packed.labels, labelled == Labelled::kNextTokens ? config.vocab_size : config.n_labels, "labels: ");
  if (packed.labels.empty()) fail_with(ErrorCode::kInvalidArgument, "batch: no token is scored");
  return packed;
}

// Of a model with an adapter its tensors alone.
bool is_wanted(const models::Model& model, std::string_view name) {
  if (model.adapters().empty()) return !model.is_constant(name);
  return name.ends_with(".lora_a") || name.ends_with(".lora_b") || name.ends_with(".lora_magnitude");
}

}  // namespace

template <class Real>
Gradients<Real> gradients(const models::Model& model, const LabelledBatch& batch, const kernels::KernelTable& table,
                          ThreadPool& pool) {
  if (model.config().n_labels == 0) model.require_head();
  if (model.adapters().size() > 1) {
    fail_with(ErrorCode::kInvalidArgument, "gradients: of ", model.adapters().size(), " adapters; take one at a time");
  }
  PackedBatch packed = pack(batch, model.config());
  for (ops::SequenceRows& sequence : packed.sequences) sequence.adapters = model.factors();
  models::Description description = model.describe({.loss = true});
  const size_t n_weights = description.graph.n_weights();
  std::vector<bool> wanted(n_weights);
  for (uint32_t i = 0; i < n_weights; ++i) wanted[i] = is_wanted(model, description.graph.weight({i}).name);
  graph::add_gradients(description.graph, description.loss, wanted);
  const std::array outputs{description.loss};
  if (sizeof(Real) == sizeof(float)) {
    graph::lower_for_training(description.graph, outputs);
  } else {
    graph::remove_unused(description.graph, outputs);
  }
  graph::Plan::Options options;
  options.max_rows = {packed.n_rows, packed.rows.size(), packed.sequences.size()};
  options.max_sequences = packed.sequences.size();
  options.real_bytes = sizeof(Real);
  auto plan = std::make_shared<const graph::Plan>(std::move(description.graph), outputs, options, table);
  graph::Executor<Real> executor(plan, table, pool);

  Gradients<Real> result;
  for (uint32_t i = 0; i < n_weights; ++i) {
    const quant::Weight& weight = plan->graph().weight({i});
    const ir::Graph::Part part = plan->graph().part({i});
    if (!wanted[i]) continue;
    // A whole weight comes before its parts.
    auto& gradient = result.by_name[std::string(weight.name)];
    if (part.whole.id == i) gradient.assign(weight.rows * weight.cols, Real{0});
    executor.set_weight_gradient({i}, gradient.data() + part.first);
  }
  for (size_t i = 0; i < batch.ids.size(); ++i) {
    const std::span<const int32_t> types = batch.types.empty() ? std::span<const int32_t>() : batch.types[i];
    put_tokens(executor, model.config(), batch.ids[i], types, packed.sequences[i].first_row);
  }
  std::ranges::copy(packed.rows, executor.input(ir::Input::kLogitRows).begin());
  std::ranges::copy(packed.labels, executor.input(ir::Input::kLabels).begin());
  executor.run(options.max_rows, {packed.sequences, kernels::KvType::kF32});
  result.loss = *executor.output(description.loss);
  return result;
}

template Gradients<float> gradients<float>(const models::Model&, const LabelledBatch&, const kernels::KernelTable&,
                                           ThreadPool&);
template Gradients<double> gradients<double>(const models::Model&, const LabelledBatch&, const kernels::KernelTable&,
                                             ThreadPool&);

}  // namespace kinglet::engine
