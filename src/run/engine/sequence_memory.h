// What one sequence keeps between steps, all of its length at once: for scoring, and for tests. An engine shares pages
// instead (kv_pool.h).
#pragma once

#include <vector>

#include "core/graph/graph.h"
#include "core/tensor/tensor.h"
#include "model/models/models.h"

namespace kinglet::engine {

/// What a sequence of this model keeps.
graph::SequenceLayout sequence_layout(const models::Model& model, kernels::KvType kv_type);

class SequenceMemory {
 public:
  /// Throws Error{kOutOfMemory}.
  SequenceMemory(const graph::SequenceLayout& layout, size_t max_tokens);

  /// As rows of a batch want them (ops::SequenceRows).
  [[nodiscard]] const ops::KvPages* pages() const noexcept { return pages_.data(); }
  [[nodiscard]] std::byte* state() noexcept { return state_.size_bytes() == 0 ? nullptr : state_.data(); }
  /// Zeros the states: the next row is a first one. Keys need no such thing.
  void restart() noexcept;

 private:
  tensor::Buffer keys_and_values_;
  tensor::Buffer state_;
  std::vector<std::vector<std::byte*>> lists_;  // of each group keys, then values
  std::vector<ops::KvPages> pages_;
};

}  // namespace kinglet::engine
