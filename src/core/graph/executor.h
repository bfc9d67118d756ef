// Runs a plan: node by node, the pieces of a node shared by the threads of a pool. A node begins when all
// pieces of the one before are done.
#pragma once

#include <span>
#include <vector>

#include "core/base/base.h"
#include "core/graph/plan.h"

namespace kinglet::graph {

/// Owns the arena and scratch of one plan. Real is float, or double for checking gradients (the plan's real_bytes
/// agree). Used by one thread at a time; `run` lends the pool for its duration and allocates nothing.
template <class Real>
class Executor {
 public:
  /// Takes the plan's memory: Throws Error{kOutOfMemory}. `table` and `pool` outlive the executor.
  Executor(std::shared_ptr<const Plan> plan, const kernels::KernelTable& table, ThreadPool& pool);

  /// The place of an input for max_rows rows; where the graph does not read it, one that nobody reads. The caller
  /// writes, then runs.
  [[nodiscard]] std::span<int32_t> input(ir::Input input) noexcept;
  /// A value that the plan names as an output (or input), after a run: rows x cols.
  [[nodiscard]] const Real* output(ir::Value value) const noexcept;

  /// Where the gradient of a weight is added, [rows, cols]; null: not wanted.
  void set_weight_gradient(ir::WeightId weight, Real* gradient) noexcept { weight_gradients_[weight.id] = gradient; }

  /// Runs all nodes for these row counts (within the plan's) and this batch. Token ids, labels and row indices have
  /// been checked by the caller; sequences cover all rows in order.
  void run(const ops::RowCounts& counts, const ops::Batch& batch) noexcept;

  [[nodiscard]] const Plan& plan() const noexcept { return *plan_; }
  [[nodiscard]] size_t size_bytes() const noexcept { return arena_.size_bytes() + scratch_.size_bytes(); }

 private:
  void run_node(size_t step, int thread_idx, const ops::RowCounts& counts, const ops::Batch& batch) noexcept;

  std::shared_ptr<const Plan> plan_;
  const kernels::KernelTable& table_;
  const kernels::RealKernels<Real> real_;
  ThreadPool& pool_;
  tensor::Buffer arena_;
  tensor::Buffer scratch_;
  std::vector<std::byte*> places_;
  std::vector<Real*> weight_gradients_;
  std::vector<SharedItems> items_;  // by node
  std::vector<int32_t> unread_;     // where callers may write inputs that the graph does not have
};

extern template class Executor<float>;
extern template class Executor<double>;

}  // namespace kinglet::graph
