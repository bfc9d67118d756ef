#include "run/engine/sequence_memory.h"

#include <algorithm>

namespace kinglet::engine {

graph::SequenceLayout sequence_layout(const models::Model& model, kernels::KvType kv_type) {
  model.require_head();
  models::Description description = model.describe();
  return graph::lower_for_inference(description.graph, {{description.logits}}, kv_type);
}

SequenceMemory::SequenceMemory(const graph::SequenceLayout& layout, size_t max_tokens)
    : state_(tensor::Buffer::uninitialized(layout.state_bytes)) {
  const size_t n_pages = (max_tokens + kernels::kPageTokens - 1) / kernels::kPageTokens;
  size_t page_bytes = 0;
  for (const graph::KvGroup& group : layout.groups) page_bytes += 2 * group.page_bytes;
  keys_and_values_ = tensor::Buffer::uninitialized(page_bytes * n_pages);
  std::byte* next = keys_and_values_.data();
  for (const graph::KvGroup& group : layout.groups) {
    for (size_t i = 0; i < 2; ++i) {
      auto& list = lists_.emplace_back();
      for (size_t page = 0; page < n_pages; ++page, next += group.page_bytes) list.push_back(next);
    }
  }
  for (size_t i = 0; i < lists_.size(); i += 2) pages_.push_back({lists_[i].data(), lists_[i + 1].data()});
  restart();
}

void SequenceMemory::restart() noexcept { std::fill_n(state_.data(), state_.size_bytes(), std::byte{0}); }

}  // namespace kinglet::engine
