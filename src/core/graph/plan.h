// Order, memory and scratch of a lowered graph, for up to a given number of rows.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/ops/ops.h"
#include "core/tensor/tensor.h"

namespace kinglet::graph {

/// A plan's memory is fixed when it is made. Constant afterwards; may be shared by executors.
class Plan {
 public:
  struct Options {
    ops::RowCounts max_rows;  ///< The row class: the largest counts of a run, by ir::Symbol.
    size_t max_sequences = 1;
    size_t real_bytes = sizeof(float);
  };

  /// `graph` is lowered already. `outputs` keep their values until the next run, as do the inputs.
  Plan(ir::Graph graph, std::span<const ir::Value> outputs, const Options& options, const kernels::KernelTable& table);

  [[nodiscard]] const ir::Graph& graph() const noexcept { return graph_; }
  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] size_t arena_bytes() const noexcept { return arena_bytes_; }
  [[nodiscard]] size_t scratch_bytes_per_thread() const noexcept { return scratch_bytes_; }
  /// Where a value lies in the arena, by value id; SIZE_MAX for values that no node makes or reads.
  [[nodiscard]] std::span<const size_t> offsets() const noexcept { return offsets_; }
  /// All memory that running it takes with this many threads.
  [[nodiscard]] size_t total_bytes(int n_threads) const noexcept {
    return arena_bytes_ + scratch_bytes_ * static_cast<size_t>(n_threads);
  }

 private:
  void place_values(std::span<const ir::Value> outputs);

  ir::Graph graph_;
  Options options_;
  std::vector<size_t> offsets_;
  size_t arena_bytes_ = 0;
  size_t scratch_bytes_ = 0;
};

}  // namespace kinglet::graph
