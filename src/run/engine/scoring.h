// Logits of given tokens: whole sequences through the same graph.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/graph/graph.h"
#include "model/models/models.h"
#include "run/engine/sequence_memory.h"

namespace kinglet::engine {

/// Runs sequences of up to `max_tokens` tokens. One thread at a time.
class Scorer {
 public:
  /// Throws Error{kOutOfMemory}. `table` and `pool` outlive it.
  Scorer(const models::Model& model, size_t max_tokens, const kernels::KernelTable& table, ThreadPool& pool);

  /// Calls use(row, logits [vocabulary]) for rows [first, ids.size()) of a sequence, in order. Throws
  /// Error{kInvalidArgument} for ids outside of the vocabulary and kContextFull for more of them than max_tokens.
  void logits(std::span<const int32_t> ids, size_t first,
              const std::function<void(size_t, std::span<const float>)>& use);

 private:
  size_t max_tokens_;
  size_t vocab_size_;
  std::vector<float> factors_;  // of the model's adapters
  ir::Value logits_;
  std::unique_ptr<graph::Executor<float>> executor_;
  std::unique_ptr<SequenceMemory> memory_;
};

}  // namespace kinglet::engine
