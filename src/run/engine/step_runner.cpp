#include <algorithm>

#include "run/engine/engine.h"

namespace kinglet::engine {

StepRunner::StepRunner(const models::Model& model, const EngineOptions& options, const kernels::KernelTable& table,
                       ThreadPool& pool)
    : table_(table), pool_(pool), max_rows_(options.prompt_chunk), max_sequences_(options.max_sequences) {
  models::Description description = model.describe();
  graph_ = std::move(description.graph);
  logits_ = description.logits;
  layout_ = graph::lower_for_inference(graph_, {{logits_}}, options.kv_type);
}

graph::Executor<float>& StepRunner::for_rows(size_t n_rows) {
  KINGLET_CHECK(n_rows <= max_rows_, "a step has no more rows than the chunk");
  size_t i = 0;
  while (i + 1 < kClasses.size() && kClasses[i] < n_rows) ++i;
  if (executors_[i] == nullptr) {
    const size_t rows = std::max(n_rows, std::min(kClasses[i], max_rows_));
    graph::Plan::Options options;
    options.max_rows = {i + 1 == kClasses.size() ? max_rows_ : rows, std::min(rows, max_sequences_), max_sequences_};
    options.max_sequences = max_sequences_;
    const std::array outputs{logits_};
    auto plan = std::make_shared<const graph::Plan>(graph_, outputs, options, table_);
    executors_[i] = std::make_unique<graph::Executor<float>>(std::move(plan), table_, pool_);
  }
  return *executors_[i];
}

}  // namespace kinglet::engine
