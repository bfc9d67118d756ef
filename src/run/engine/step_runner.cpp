#include <algorithm>
#include <cmath>

#include "run/engine/engine.h"

namespace kinglet::engine {

StepRunner::StepRunner(const models::Model& model, const EngineOptions& options, const kernels::KernelTable& table,
                       ThreadPool& pool)
    : table_(table), pool_(pool), max_rows_(options.prompt_chunk), max_sequences_(options.max_sequences) {
  model.require_head();
  models::Description description = model.describe();
  graph_ = std::move(description.graph);
  logits_ = description.logits;
  layout_ = graph::lower_for_inference(graph_, {{logits_}}, options.kv_type);
}

std::shared_ptr<const graph::Plan> StepRunner::planned(size_t n_rows, size_t n_logits) const {
  graph::Plan::Options options;
  options.max_rows = {n_rows, n_logits, max_sequences_};
  options.max_sequences = max_sequences_;
  const std::array outputs{logits_};
  return std::make_shared<const graph::Plan>(graph_, outputs, options, table_);
}

const std::shared_ptr<const graph::Plan>& StepRunner::plan(size_t class_idx) {
  if (plans_[class_idx] == nullptr) {
    const size_t rows = class_idx + 1 == kClasses.size() ? max_rows_ : std::min(kClasses[class_idx], max_rows_);
    plans_[class_idx] = planned(rows, std::min(rows, max_sequences_));
  }
  return plans_[class_idx];
}

graph::Executor<float>& StepRunner::for_rows(size_t n_rows, size_t n_logits) {
  KINGLET_CHECK(n_rows <= max_rows_ && n_logits <= max_logits(), "a step has no more rows than the chunk");
  if (n_logits > max_sequences_) {
    if (with_logits_ == nullptr) {
      with_logits_ = std::make_unique<graph::Executor<float>>(planned(max_rows_, max_logits()), table_, pool_);
    }
    return *with_logits_;
  }
  size_t i = 0;
  while (i + 1 < kClasses.size() && kClasses[i] < n_rows) ++i;
  if (executors_[i] == nullptr) executors_[i] = std::make_unique<graph::Executor<float>>(plan(i), table_, pool_);
  return *executors_[i];
}

size_t StepRunner::size_bytes() {
  size_t bytes = planned(max_rows_, max_logits())->total_bytes(pool_.n_threads());
  for (size_t i = 0; i < kClasses.size(); ++i) {
    // A class as large as the chunk is the last one that steps come to.
    bytes += plan(i)->total_bytes(pool_.n_threads());
    if (kClasses[i] >= max_rows_) break;
  }
  return bytes;
}

std::string StepRunner::place_not_finite(const models::Model& model, const ops::SequenceRows& row,
                                         int32_t token) const {
  models::Description description = model.describe();
  std::vector<ir::Value> outputs = description.states;
  outputs.push_back(description.hidden);
  const graph::SequenceLayout layout = graph::lower_for_inference(description.graph, outputs, layout_.type);
  KINGLET_CHECK(layout.state_bytes == layout_.state_bytes && layout.groups.size() == layout_.groups.size(),
                "a description has one layout, whatever is read of it");
  const graph::Plan::Options options{.max_rows = {1, 1, 1}};
  graph::Executor<float> executor(
      std::make_shared<const graph::Plan>(std::move(description.graph), outputs, options, table_), table_, pool_);
  executor.input(ir::Input::kTokenIds)[0] = token;
  executor.input(ir::Input::kPositions)[0] = static_cast<int32_t>(row.n_past);
  executor.run({1, 0, 1}, {{&row, 1}, layout_.type});
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::span<const float> values(executor.output(outputs[i]), model.config().hidden_dim);
    if (std::ranges::all_of(values, [](float x) { return std::isfinite(x); })) continue;
    if (i == 0) return "the embedding";
    return i <= model.config().n_layers ? str("layer ", i - 1) : "the last norm";
  }
  return "the head";
}

}  // namespace kinglet::engine
