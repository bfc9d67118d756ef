#include "core/graph/plan.h"

#include <algorithm>
#include <numeric>

#include "core/ops/encode.h"

namespace kinglet::graph {
namespace {

// From the node that makes a value to the last that reads it, as indices into the list of nodes.
struct Lifetime {
  size_t first = SIZE_MAX;
  size_t last = 0;
  [[nodiscard]] bool used() const noexcept { return first != SIZE_MAX; }
  void include(size_t step) noexcept {
    first = std::min(first, step);
    last = std::max(last, step);
  }
  [[nodiscard]] bool overlaps(const Lifetime& other) const noexcept {
    return first <= other.last && other.first <= last;
  }
};

std::vector<Lifetime> lifetimes(const ir::Graph& graph, std::span<const ir::Value> outputs) {
  std::vector<Lifetime> lives(graph.n_values());
  const size_t end = graph.nodes().size();
  for (size_t step = 0; step < end; ++step) {
    for (const ir::Value value : graph.nodes()[step].inputs) lives[value.id].include(step);
    for (const ir::Value value : graph.nodes()[step].outputs) lives[value.id].include(step);
  }
  for (size_t i = 0; i < ir::kInputs; ++i) {
    if (const auto value = graph.input(static_cast<ir::Input>(i)); value && lives[value->id].used()) {
      lives[value->id] = {0, end};
    }
  }
  for (const ir::Value value : outputs) lives[value.id].include(end);
  return lives;
}

}  // namespace

Plan::Plan(ir::Graph graph, std::span<const ir::Value> outputs, const Options& options,
           const kernels::KernelTable& table)
    : graph_(std::move(graph)), options_(options) {
  place_values(outputs);
  // Scratch of the attention kernels depends on the rows alone; an empty batch asks for the most.
  const ops::Batch batch;
  for (const ir::Node& node : graph_.nodes()) {
    const ops::Op& op = ops::op_of(node);
    if (op.scratch_bytes == nullptr) continue;
    const ops::NodeShape shape{node, graph_, table, options_.max_rows, batch};
    scratch_bytes_ = std::max(scratch_bytes_, op.scratch_bytes(shape, options_.real_bytes));
  }
  scratch_bytes_ = static_cast<size_t>(round_up(scratch_bytes_, tensor::kAlignment));
}

// Largest first, each at the lowest place that is free during its whole life (the greedy-by-size of Pisarchyk and Lee,
// arXiv 2001.03288).
void Plan::place_values(std::span<const ir::Value> outputs) {
  const std::vector<Lifetime> lives = lifetimes(graph_, outputs);
  offsets_.assign(graph_.n_values(), SIZE_MAX);
  std::vector<size_t> sizes(graph_.n_values(), 0);
  std::vector<uint32_t> order;
  for (uint32_t id = 0; id < graph_.n_values(); ++id) {
    if (!lives[id].used()) continue;
    const ir::ValueType& type = graph_.type({id});
    sizes[id] = static_cast<size_t>(
        round_up(type.rows.bind(options_.max_rows) * ops::row_bytes(type, options_.real_bytes), tensor::kAlignment));
    order.push_back(id);
  }
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) { return sizes[a] != sizes[b] ? sizes[a] > sizes[b] : a < b; });
  std::vector<uint32_t> placed;  // by offset
  for (const uint32_t id : order) {
    size_t offset = 0;
    for (const uint32_t other : placed) {
      if (!lives[id].overlaps(lives[other])) continue;
      if (offset + sizes[id] <= offsets_[other]) break;
      offset = std::max(offset, offsets_[other] + sizes[other]);
    }
    offsets_[id] = offset;
    arena_bytes_ = std::max(arena_bytes_, offset + sizes[id]);
    const auto at = std::ranges::upper_bound(placed, offset, {}, [&](uint32_t other) { return offsets_[other]; });
    placed.insert(at, id);
  }
}

}  // namespace kinglet::graph
