#include "core/ir/graph.h"

#include "core/ir/builder.h"

namespace kinglet::ir {

Value Graph::add_value(ValueType type) {
  types_.push_back(type);
  return {static_cast<uint32_t>(types_.size() - 1)};
}

Value Graph::add_input(Input input, ValueType type) {
  auto& place = inputs_[static_cast<size_t>(input)];
  KINGLET_CHECK(!place, "an input is added once");
  place = add_value(type);
  return *place;
}

WeightId Graph::add_weight(const quant::Weight& weight) {
  weights_.push_back(weight);
  return {static_cast<uint32_t>(weights_.size() - 1)};
}

Value Builder::input(Input input) {
  if (const auto known = graph_.input(input)) return *known;
  const bool per_token = input == Input::kTokenIds || input == Input::kPositions;
  return graph_.add_input(input, {per_token ? Symbol::kTokens : Symbol::kLogitRows, 1, Element::kI32});
}

std::vector<Value> Builder::add(const Op& op, NodeSpec spec, const std::vector<ValueType>& outputs) {
  Node node{&op, std::move(spec.inputs), {}, std::move(spec.weights), std::move(spec.attributes)};
  for (const ValueType& type : outputs) node.outputs.push_back(graph_.add_value(type));
  std::vector<Value> values = node.outputs;
  graph_.add_node(std::move(node));
  return values;
}

}  // namespace kinglet::ir
