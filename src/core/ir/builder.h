// Adds nodes to a graph. The functions that make a certain operation are in that operation's file in core/ops.
#pragma once

#include "core/ir/graph.h"

namespace kinglet::ir {

class Builder {
 public:
  /// The graph must outlive the builder.
  explicit Builder(Graph& graph) : graph_(graph) {}

  [[nodiscard]] const Graph& graph() const noexcept { return graph_; }
  [[nodiscard]] const ValueType& type(Value value) const { return graph_.type(value); }
  [[nodiscard]] const quant::Weight& weight(WeightId weight) const { return graph_.weight(weight); }
  /// As Graph::add_weight_part.
  WeightId part_of(WeightId whole, size_t begin, size_t n) { return graph_.add_weight_part(whole, begin, n); }

  /// As Graph::adapters_of.
  std::vector<Adapter> adapters_of(WeightId weight) { return graph_.adapters_of(weight); }

  /// The value of an input, made at its first use.
  Value input(Input input);

  struct NodeSpec {
    std::vector<Value> inputs;
    std::vector<WeightId> weights = {};
    std::shared_ptr<const Attributes> attributes = nullptr;
  };

  /// Adds a node with one output for each type.
  std::vector<Value> add(const Op& op, NodeSpec spec, const std::vector<ValueType>& outputs);
  /// Adds a node with one output.
  Value add_one(const Op& op, NodeSpec spec, ValueType output) { return add(op, std::move(spec), {output})[0]; }

 private:
  Graph& graph_;
};

}  // namespace kinglet::ir
