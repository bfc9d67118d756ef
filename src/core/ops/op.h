// What an operation is to the planner and the executor.
//
// Each operation has a file pair: the function that adds it to a graph (with its shape rule), its forward kernel and
// its backward, side by side. Forward runs on pieces of work, so that several threads share it; a piece writes outputs
// that no other piece writes, and a sum has one fixed order whatever the pieces are. Backward adds nodes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/ir/ir.h"
#include "core/kernels/kernels.h"
#include "core/ops/batch.h"

namespace kinglet::ops {

/// Row counts of this run, by ir::Symbol.
using RowCounts = std::array<size_t, ir::kSymbols>;

/// The node of a plan with its places in memory, as an operation sees it while it runs.
template <class Real>
struct Run {
  const ir::Node& node;
  const ir::Graph& graph;
  const kernels::KernelTable& table;  ///< For f32; a plan in double uses real alone.
  const kernels::RealKernels<Real>& real;
  const RowCounts& counts;
  std::byte* const* places;       ///< By value id.
  Real* const* weight_gradients;  ///< By weight id; null where none is wanted. Accumulated.
  const Batch& batch;
  std::byte* scratch;  ///< This thread's, as large as scratch_bytes said.

  [[nodiscard]] size_t rows(ir::Value value) const noexcept { return graph.type(value).rows.bind(counts); }
  [[nodiscard]] size_t cols(ir::Value value) const noexcept { return graph.type(value).cols; }
  [[nodiscard]] std::byte* bytes(ir::Value value) const noexcept { return places[value.id]; }
  [[nodiscard]] Real* reals(ir::Value value) const noexcept { return reinterpret_cast<Real*>(places[value.id]); }
  [[nodiscard]] const int32_t* ints(ir::Value value) const noexcept {
    return reinterpret_cast<const int32_t*>(places[value.id]);
  }
  [[nodiscard]] Real* row(ir::Value value, size_t row_idx) const noexcept {
    return reals(value) + row_idx * cols(value);
  }
  [[nodiscard]] const quant::Weight& weight(size_t i) const noexcept { return graph.weight(node.weights[i]); }
  [[nodiscard]] Real* weight_gradient(size_t i) const noexcept { return weight_gradients[node.weights[i].id]; }
  template <class T>
  [[nodiscard]] const T& attributes() const noexcept {
    return static_cast<const T&>(*node.attributes);
  }
  template <class T>
  [[nodiscard]] T* scratch_as() const noexcept {
    return reinterpret_cast<T*>(scratch);
  }
};

/// What backward has to work with: adds nodes and says what the gradients are.
class Backward {
 public:
  Backward(ir::Builder& target, const ir::Node& forward, std::span<const ir::Value> output_gradients,
           const std::vector<bool>& wanted_weights)
      : b(target),
        node(forward),
        output_gradients_(output_gradients),
        wanted_weights_(wanted_weights),
        input_gradients_(forward.inputs.size()) {}

  ir::Builder& b;
  const ir::Node& node;

  /// The gradient of output i; not valid() where nothing depends on it.
  [[nodiscard]] ir::Value d_output(size_t i = 0) const { return output_gradients_[i]; }
  [[nodiscard]] bool wants_weight(size_t i) const { return wanted_weights_[node.weights[i].id]; }
  void set_d_input(size_t i, ir::Value gradient) { input_gradients_[i] = gradient; }
  [[nodiscard]] std::span<const ir::Value> input_gradients() const noexcept { return input_gradients_; }
  template <class T>
  [[nodiscard]] const T& attributes() const noexcept {
    return static_cast<const T&>(*node.attributes);
  }

 private:
  std::span<const ir::Value> output_gradients_;
  const std::vector<bool>& wanted_weights_;
  std::vector<ir::Value> input_gradients_;
};

/// Facts for the work split of a node.
struct NodeShape {
  const ir::Node& node;
  const ir::Graph& graph;
  const kernels::KernelTable& table;
  const RowCounts& counts;
  const Batch& batch;
  [[nodiscard]] size_t rows(ir::Value value) const noexcept { return graph.type(value).rows.bind(counts); }
};

struct Op : ir::Op {
  /// How many pieces the work has.
  size_t (*n_items)(const NodeShape&) noexcept = nullptr;
  /// Does pieces [begin, end).
  void (*run_f32)(const Run<float>&, size_t begin, size_t end) noexcept = nullptr;
  /// The same in double precision; null where an operation only exists after lowering.
  void (*run_f64)(const Run<double>&, size_t begin, size_t end) noexcept = nullptr;
  /// Bytes of scratch of one thread for at most the given row counts; null: none. `real_bytes` is 4 or 8.
  size_t (*scratch_bytes)(const NodeShape&, size_t real_bytes) noexcept = nullptr;
  /// Adds the backward nodes; null where gradients do not flow.
  void (*backward)(Backward&) = nullptr;
  /// Bytes that a recurrent operation keeps for each sequence (SequenceRows::state, at Node::state_offset): f32, zeros
  /// before the first row. Null: it keeps nothing.
  size_t (*state_bytes)(const ir::Graph& graph, const ir::Node& node) noexcept = nullptr;
};

[[nodiscard]] inline const Op& op_of(const ir::Node& node) noexcept { return static_cast<const Op&>(*node.op); }

/// One piece for each row of the first output.
inline size_t row_items(const NodeShape& shape) noexcept { return shape.rows(shape.node.outputs[0]); }
/// The work is not split.
inline size_t one_item(const NodeShape& /*shape*/) noexcept { return 1; }

}  // namespace kinglet::ops
