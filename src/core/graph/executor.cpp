#include "core/graph/executor.h"

#include <algorithm>
#include <type_traits>

namespace kinglet::graph {
namespace {

template <class Real>
kernels::RealKernels<Real> real_kernels(const kernels::KernelTable& table) {
  if constexpr (std::is_same_v<Real, float>) {
    return table.real;
  } else {
    return kernels::scalar_real_kernels<double>();
  }
}

}  // namespace

template <class Real>
Executor<Real>::Executor(std::shared_ptr<const Plan> plan, const kernels::KernelTable& table, ThreadPool& pool)
    : plan_(std::move(plan)),
      table_(table),
      real_(real_kernels<Real>(table)),
      pool_(pool),
      arena_(tensor::Buffer::uninitialized(plan_->arena_bytes())),
      scratch_(
          tensor::Buffer::uninitialized(plan_->scratch_bytes_per_thread() * static_cast<size_t>(pool.n_threads()))),
      places_(plan_->graph().n_values(), nullptr),
      weight_gradients_(plan_->graph().n_weights(), nullptr),
      items_(plan_->graph().nodes().size()),
      unread_(*std::ranges::max_element(plan_->options().max_rows)) {
  KINGLET_CHECK(plan_->options().real_bytes == sizeof(Real), "the plan was made for another precision");
  for (size_t id = 0; id < places_.size(); ++id) {
    if (plan_->offsets()[id] != SIZE_MAX) places_[id] = arena_.data() + plan_->offsets()[id];
  }
}

template <class Real>
std::span<int32_t> Executor<Real>::input(ir::Input input) noexcept {
  const auto value = plan_->graph().input(input);
  if (!value || places_[value->id] == nullptr) return unread_;
  const size_t n = plan_->graph().type(*value).rows.bind(plan_->options().max_rows);
  return {reinterpret_cast<int32_t*>(places_[value->id]), n};
}

template <class Real>
const Real* Executor<Real>::output(ir::Value value) const noexcept {
  return reinterpret_cast<const Real*>(places_[value.id]);
}

template <class Real>
void Executor<Real>::run_node(size_t step, int thread_idx, const ops::RowCounts& counts,
                              const ops::Batch& batch) noexcept {
  const ir::Node& node = plan_->graph().nodes()[step];
  const ops::Op& op = ops::op_of(node);
  std::byte* scratch = scratch_.data() + static_cast<size_t>(thread_idx) * plan_->scratch_bytes_per_thread();
  const ops::Run<Real> run{node,           plan_->graph(),           table_, real_,  counts,
                           places_.data(), weight_gradients_.data(), batch,  scratch};
  SharedItems& items = items_[step];
  const auto n_threads = static_cast<uint32_t>(pool_.n_threads());
  for (;;) {
    const SharedItems::Range taken = items.take(n_threads);
    if (taken.begin == taken.end) break;
    if constexpr (std::is_same_v<Real, float>) {
      op.run_f32(run, taken.begin, taken.end);
    } else {
      op.run_f64(run, taken.begin, taken.end);
    }
    items.finish(taken);
  }
  items.wait(pool_);
}

template <class Real>
void Executor<Real>::run(const ops::RowCounts& counts, const ops::Batch& batch) noexcept {
  const std::vector<ir::Node>& nodes = plan_->graph().nodes();
  for (size_t i = 0; i < counts.size(); ++i) {
    KINGLET_CHECK(counts[i] <= plan_->options().max_rows[i], "a run has no more rows than its plan");
  }
  for (size_t step = 0; step < nodes.size(); ++step) {
    const size_t n = ops::op_of(nodes[step]).n_items({nodes[step], plan_->graph(), table_, counts, batch});
    KINGLET_CHECK(n <= UINT32_MAX, "the pieces of a node are counted in 32 bits");
    items_[step].reset(static_cast<uint32_t>(n));
  }
  pool_.run_all([&](int thread_idx) {
    for (size_t step = 0; step < nodes.size(); ++step) run_node(step, thread_idx, counts, batch);
  });
}

template class Executor<float>;
template class Executor<double>;

}  // namespace kinglet::graph
