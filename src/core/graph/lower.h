// From the logical graph to one for the CPU, by passes that each do one thing. None changes a result by a single bit.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "core/ops/ops.h"
#include "core/tensor/tensor.h"

namespace kinglet::graph {

/// Layers that look back equally far share pages (ops/attend_cache.cpp). Pages of keys and of values are alike.
struct KvGroup {
  size_t window = 0;      ///< Keys that a row sees at most; 0: all. Pages before may be given back.
  size_t page_bytes = 0;  ///< Of keys; the same again for values.
  size_t n_layers = 0;

  /// Keys and values together, in bytes.
  [[nodiscard]] size_t bytes_per_token() const noexcept { return 2 * page_bytes / kernels::kPageTokens; }
  /// Whole pages in front of a page's border that a row behind it sees, at least one; of a group with a window.
  [[nodiscard]] size_t pages_before() const noexcept {
    return std::max<size_t>(1, (window + kernels::kPageTokens - 2) / kernels::kPageTokens);
  }
  /// Pages that a sequence of so many tokens needs at once when a step adds up to `step` rows to it. With a window
  /// those are kept that a row behind the last page's border sees.
  [[nodiscard]] size_t pages_for(size_t n_tokens, size_t step) const noexcept;
};

/// What a sequence keeps between steps: keys and values of all layers, and the states of recurrent ones.
struct SequenceLayout {
  kernels::KvType type = kernels::KvType::kF16;
  std::vector<KvGroup> groups;
  size_t state_bytes = 0;

  /// All that one sequence of so many tokens takes when a step adds up to `step` rows to it.
  [[nodiscard]] size_t bytes_for(size_t n_tokens, size_t step) const noexcept;
};

/// Removes nodes whose outputs nobody reads; nodes without outputs (they add to gradients or to the cache) stay.
void remove_unused(ir::Graph& graph, std::span<const ir::Value> outputs);

/// Puts an encode in front of each linear whose weights need one, shared by all that read the same value. Rows that go
/// to several experts are encoded before they are spread; the plain ones then may have no reader left.
void encode_activations(ir::Graph& graph);

/// rms_norm followed by nothing but its encode becomes one node.
void fuse_norm_encode(ir::Graph& graph, std::span<const ir::Value> outputs);

/// gated over two linears of one value, or over two of experts of the same rows, becomes one node.
void fuse_gated_linear(ir::Graph& graph, std::span<const ir::Value> outputs);

/// add of a linear's result and another value becomes part of the linear.
void fuse_residual(ir::Graph& graph, std::span<const ir::Value> outputs);

/// Linears that read the same value, and those of experts of the same rows, become one node with several outputs.
void group_linears(ir::Graph& graph);

/// attend becomes a store into the cache and a read from it, recurrent operations get their place in the state; returns
/// the layout of both. Layers that read the same keys and values share them.
SequenceLayout keep_sequences(ir::Graph& graph, kernels::KvType type);

/// All passes for inference over a cache (kv_type given) or over the rows of the batch.
/// `outputs` stay available.
SequenceLayout lower_for_inference(ir::Graph& graph, std::span<const ir::Value> outputs,
                                   std::optional<kernels::KvType> kv_type);

/// The passes for a graph with backward nodes: values stay as they are, because backward reads them.
void lower_for_training(ir::Graph& graph, std::span<const ir::Value> outputs);

}  // namespace kinglet::graph
