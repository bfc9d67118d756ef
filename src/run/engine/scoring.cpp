#include "run/engine/scoring.h"

#include <algorithm>
#include <array>

#include "run/engine/tokens.h"

namespace kinglet::engine {
namespace {

// Rows of one run; all of them want logits, so this bounds the memory that logits take.
constexpr size_t kRows = 128;

}  // namespace

// Keys go to an f32 cache of one sequence, so that a long one is run in pieces; the bits are those of one piece.
Scorer::Scorer(const models::Model& model, size_t max_tokens, const kernels::KernelTable& table, ThreadPool& pool)
    : max_tokens_(max_tokens),
      vocab_size_(model.config().vocab_size),
      factors_(model.factors().begin(), model.factors().end()) {
  model.require_head();
  models::Description description = model.describe();
  logits_ = description.logits;
  const std::array outputs{logits_};
  const graph::SequenceLayout layout = graph::lower_for_inference(description.graph, outputs, kernels::KvType::kF32);
  const size_t rows = std::min(kRows, max_tokens);
  auto plan = std::make_shared<const graph::Plan>(std::move(description.graph), outputs,
                                                  graph::Plan::Options{.max_rows = {rows, rows, 1}}, table);
  executor_ = std::make_unique<graph::Executor<float>>(std::move(plan), table, pool);
  memory_ = std::make_unique<SequenceMemory>(layout, max_tokens);
}

void Scorer::logits(std::span<const int32_t> ids, size_t first,
                    const std::function<void(size_t, std::span<const float>)>& use) {
  check_tokens(ids, vocab_size_);
  if (ids.size() > max_tokens_) {
    fail_with(ErrorCode::kContextFull, "a sequence of ", ids.size(), " tokens is over the context of ", max_tokens_);
  }
  const size_t rows = executor_->plan().options().max_rows[0];
  memory_->restart();
  for (size_t done = 0; done < ids.size(); done += rows) {
    const size_t n = std::min(rows, ids.size() - done);
    size_t n_logits = 0;
    for (size_t i = 0; i < n; ++i) {
      executor_->input(ir::Input::kTokenIds)[i] = ids[done + i];
      executor_->input(ir::Input::kPositions)[i] = static_cast<int32_t>(done + i);
      if (done + i >= first) executor_->input(ir::Input::kLogitRows)[n_logits++] = static_cast<int32_t>(i);
    }
    const ops::SequenceRows sequence{0, n, done, memory_->pages(), memory_->state(), ids.size(), factors_};
    executor_->run({n, n_logits, 1}, {{&sequence, 1}, kernels::KvType::kF32});
    const float* values = executor_->output(logits_);
    for (size_t i = 0; i < n_logits; ++i) use(done + n - n_logits + i, {values + i * vocab_size_, vocab_size_});
  }
}

}  // namespace kinglet::engine
