// Runs rows of several sequences through a model's graph, step by step as the engine does, and keeps the logits of
// every row: what tests of bits compare.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "core/graph/graph.h"
#include "model/models/models.h"

namespace kinglet::tests {

/// The registered architecture of this family.
inline const models::Architecture& architecture_of(std::string_view family) {
  return *std::ranges::find(models::architectures(), family, &models::Architecture::family);
}

class BatchRunner {
 public:
  /// The next n_rows tokens of a sequence.
  struct Part {
    size_t sequence;
    size_t n_rows;
  };

  BatchRunner(const models::Model& model, kernels::KvType kv_type, const kernels::KernelTable& table, ThreadPool& pool)
      : table_(table), pool_(pool), kv_type_(kv_type), vocab_size_(model.config().vocab_size) {
    models::Description description = model.describe();
    logits_ = description.logits;
    graph_ = std::move(description.graph);
    layout_ = graph::lower_for_inference(graph_, {{logits_}}, kv_type);
  }

  /// A sequence whose first pages are those of another one, which has filled them, and whose states are what that one's
  /// are now; -1: all its own.
  size_t add_sequence(std::vector<int32_t> tokens, int shares_with = -1, size_t n_shared_pages = 0) {
    Sequence& sequence = sequences_.emplace_back();
    const size_t n_pages = (tokens.size() + kernels::kPageTokens - 1) / kernels::kPageTokens;
    sequence.tokens = std::move(tokens);
    for (size_t i = 0; i < n_pages; ++i) {
      for (size_t g = 0; g < layout_.groups.size(); ++g) {
        if (i == 0) sequence.lists.resize(layout_.groups.size());
        if (shares_with >= 0 && i < n_shared_pages) {
          const Sequence& other = sequences_[static_cast<size_t>(shares_with)];
          for (size_t kind = 0; kind < 2; ++kind) sequence.lists[g][kind].push_back(other.lists[g][kind][i]);
          continue;
        }
        const size_t page_bytes = layout_.groups[g].page_bytes;
        tensor::Buffer& memory = memory_.emplace_back(2 * page_bytes);
        std::memset(memory.data(), 0xFF, memory.size_bytes());  // NaN, where nothing has been stored
        sequence.lists[g][0].push_back(memory.data());
        sequence.lists[g][1].push_back(memory.data() + page_bytes);
      }
    }
    for (const auto& list : sequence.lists) sequence.pages.push_back({list[0].data(), list[1].data()});
    if (layout_.state_bytes > 0) sequence.state = memory_.emplace_back(layout_.state_bytes).data();
    if (shares_with >= 0 && sequence.state != nullptr) {
      std::memcpy(sequence.state, sequences_[static_cast<size_t>(shares_with)].state, layout_.state_bytes);
    }
    if (shares_with >= 0) sequence.n_done = n_shared_pages * kernels::kPageTokens;
    return sequences_.size() - 1;
  }

  /// One run over these parts, in this order.
  void step(const std::vector<Part>& parts) {
    size_t n_rows = 0;
    for (const Part& part : parts) n_rows += part.n_rows;
    graph::Executor<float>& executor = executor_for(n_rows);
    std::vector<ops::SequenceRows> rows;
    size_t row = 0;
    for (const Part& part : parts) {
      Sequence& sequence = sequences_[part.sequence];
      rows.push_back({row, part.n_rows, sequence.n_done, sequence.pages.data(), sequence.state});
      for (size_t i = 0; i < part.n_rows; ++i, ++row) {
        executor.input(ir::Input::kTokenIds)[row] = sequence.tokens[sequence.n_done + i];
        executor.input(ir::Input::kPositions)[row] = static_cast<int32_t>(sequence.n_done + i);
        executor.input(ir::Input::kLogitRows)[row] = static_cast<int32_t>(row);
      }
    }
    executor.run({n_rows, n_rows, rows.size()}, {rows, kv_type_});
    const float* logits = executor.output(logits_);
    for (const Part& part : parts) {
      Sequence& sequence = sequences_[part.sequence];
      sequence.logits.insert(sequence.logits.end(), logits, logits + part.n_rows * vocab_size_);
      logits += part.n_rows * vocab_size_;
      sequence.n_done += part.n_rows;
    }
  }

  /// [rows run so far, vocabulary]; of a sequence with shared pages only its own rows.
  [[nodiscard]] const std::vector<float>& logits(size_t sequence) const { return sequences_[sequence].logits; }
  [[nodiscard]] size_t vocab_size() const { return vocab_size_; }

 private:
  struct Sequence {
    std::vector<int32_t> tokens;
    size_t n_done = 0;
    std::vector<std::array<std::vector<std::byte*>, 2>> lists;  // of each group keys and values
    std::vector<ops::KvPages> pages;
    std::byte* state = nullptr;
    std::vector<float> logits;
  };

  // Row classes as the engine has them.
  graph::Executor<float>& executor_for(size_t n_rows) {
    size_t rows = 1;
    while (rows < n_rows) rows *= 8;
    auto& executor = executors_[rows];
    if (executor == nullptr) {
      const graph::Plan::Options options{.max_rows = {rows, rows, rows}};
      const std::array outputs{logits_};
      executor = std::make_unique<graph::Executor<float>>(
          std::make_shared<const graph::Plan>(graph_, outputs, options, table_), table_, pool_);
    }
    return *executor;
  }

  const kernels::KernelTable& table_;
  ThreadPool& pool_;
  kernels::KvType kv_type_;
  size_t vocab_size_;
  ir::Graph graph_;
  ir::Value logits_;
  graph::SequenceLayout layout_;
  std::map<size_t, std::unique_ptr<graph::Executor<float>>> executors_;
  std::deque<Sequence> sequences_;
  std::deque<tensor::Buffer> memory_;
};

}  // namespace kinglet::tests
