#include "core/graph/autodiff.h"

#include <algorithm>

#include "core/ops/ops.h"

namespace kinglet::graph {
namespace {

// Which values depend on a wanted weight, by value id.
std::vector<bool> values_that_need_gradients(const ir::Graph& graph, const std::vector<bool>& wanted) {
  std::vector<bool> needed(graph.n_values(), false);
  for (const ir::Node& node : graph.nodes()) {
    const bool by_weight = std::ranges::any_of(node.weights, [&](ir::WeightId id) { return wanted[id.id]; });
    const bool by_input = std::ranges::any_of(node.inputs, [&](ir::Value value) { return needed[value.id]; });
    for (const ir::Value output : node.outputs) needed[output.id] = by_weight || by_input;
  }
  return needed;
}

}  // namespace

void add_gradients(ir::Graph& graph, ir::Value loss, const std::vector<bool>& wanted) {
  KINGLET_CHECK(wanted.size() == graph.n_weights(), "gradients: one choice for each weight");
  const std::vector<bool> needed = values_that_need_gradients(graph, wanted);
  const std::vector<ir::Node> forward = graph.nodes();
  std::vector<ir::Value> gradients(graph.n_values());
  ir::Builder b(graph);
  gradients[loss.id] = ops::one(b);
  for (auto node = forward.rbegin(); node != forward.rend(); ++node) {
    std::vector<ir::Value> of_outputs;
    bool reached = false;
    bool useful = false;
    for (const ir::Value output : node->outputs) {
      of_outputs.push_back(gradients[output.id]);
      reached |= gradients[output.id].valid();
      useful |= needed[output.id];
    }
    const ops::Op& op = ops::op_of(*node);
    if (!reached || !useful) continue;
    KINGLET_CHECK(op.backward != nullptr, "gradients: an operation on the way to the loss has no backward");
    ops::Backward back(b, *node, of_outputs, wanted);
    op.backward(back);
    for (size_t i = 0; i < node->inputs.size(); ++i) {
      const ir::Value input = node->inputs[i];
      const ir::Value part = back.input_gradients()[i];
      if (!part.valid() || !needed[input.id]) continue;
      ir::Value& sum = gradients[input.id];
      sum = sum.valid() ? ops::add(b, sum, part) : part;
    }
  }
}

}  // namespace kinglet::graph
