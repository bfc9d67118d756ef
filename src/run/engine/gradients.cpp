#include "run/engine/gradients.h"

#include <algorithm>
#include <array>

#include "run/engine/tokens.h"

namespace kinglet::engine {
namespace {

// Rows of all sequences one after the other, and which of them are scored on what.
struct PackedBatch {
  std::vector<int32_t> ids;
  std::vector<int32_t> positions;
  std::vector<int32_t> rows;
  std::vector<int32_t> labels;
  std::vector<ops::SequenceRows> sequences;
};

PackedBatch pack(const LabelledBatch& batch, size_t vocab_size) {
  if (batch.ids.size() != batch.labels.size()) {
    fail_with(ErrorCode::kInvalidArgument, "batch: ", batch.ids.size(), " rows of ids, ", batch.labels.size(),
              " of labels");
  }
  PackedBatch packed;
  for (size_t i = 0; i < batch.ids.size(); ++i) {
    const auto& ids = batch.ids[i];
    const auto& labels = batch.labels[i];
    if (ids.empty() || ids.size() != labels.size()) {
      fail_with(ErrorCode::kInvalidArgument, "batch: row ", i, " has ", ids.size(), " ids and ", labels.size(),
                " labels");
    }
    check_tokens(ids, vocab_size);
    const size_t first_row = packed.ids.size();
    packed.sequences.push_back({first_row, ids.size()});
    for (size_t t = 0; t < ids.size(); ++t) {
      packed.ids.push_back(ids[t]);
      packed.positions.push_back(static_cast<int32_t>(t));
      if (t + 1 == ids.size() || labels[t + 1] == LabelledBatch::kUnscored) continue;
      packed.rows.push_back(static_cast<int32_t>(first_row + t));
      packed.labels.push_back(labels[t + 1]);
    }
  }
  check_tokens(packed.labels, vocab_size);
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
  model.require_head();
  if (model.adapters().size() > 1) {
    fail_with(ErrorCode::kInvalidArgument, "gradients: of ", model.adapters().size(), " adapters; take one at a time");
  }
  PackedBatch packed = pack(batch, model.config().vocab_size);
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
  options.max_rows = {packed.ids.size(), packed.rows.size(), packed.sequences.size()};
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
  std::ranges::copy(packed.ids, executor.input(ir::Input::kTokenIds).begin());
  std::ranges::copy(packed.positions, executor.input(ir::Input::kPositions).begin());
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
