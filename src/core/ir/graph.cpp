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
  const WeightId id{static_cast<uint32_t>(weights_.size())};
  weights_.push_back(weight);
  parts_.push_back({id, 0});
  return id;
}

WeightId Graph::add_weight_part(WeightId whole, size_t begin, size_t n) {
  const quant::Weight of = weight(whole);
  const bool is_vector = of.rows == 1;
  const size_t size = is_vector ? of.cols : of.rows;
  KINGLET_CHECK(begin <= size && n <= size - begin, "a part of a weight lies inside of it");
  const size_t first = is_vector ? begin : begin * of.cols;
  const WeightId id = is_vector ? add_weight({of.name, of.format, 1, n, of.data + begin * sizeof(float)})
                                : add_weight({of.name, of.format, n, of.cols, of.row(begin)});
  const Part outer = parts_[whole.id];
  parts_[id.id] = {outer.whole, outer.first + first};
  return id;
}

std::vector<Adapter> Graph::adapters_of(WeightId weight_id) {
  std::vector<Adapter> found;
  const Part part = parts_[weight_id.id];
  const quant::Weight of = weight(weight_id);
  const bool is_whole = part.whole == weight_id;
  const size_t begin = part.first / of.cols;
  const auto rows_of = [&](WeightId id) { return is_whole ? id : add_weight_part(id, begin, of.rows); };
  for (const auto& [whole, whole_adapter] : adapters_) {
    if (whole != part.whole) continue;
    Adapter& adapter = found.emplace_back(whole_adapter);
    adapter.b = rows_of(adapter.b);
    if (adapter.magnitude) adapter.magnitude = rows_of(*adapter.magnitude);
    if (adapter.lengths) adapter.lengths = rows_of(*adapter.lengths);
  }
  return found;
}

Value Builder::input(Input input) {
  if (const auto known = graph_.input(input)) return *known;
  const bool per_token = input == Input::kTokenIds || input == Input::kPositions || input == Input::kTokenTypes;
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
