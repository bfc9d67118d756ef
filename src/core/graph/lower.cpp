#include "core/graph/lower.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace kinglet::graph {
namespace {

constexpr size_t kNone = SIZE_MAX;

// Who makes and who reads each value of a graph.
class Uses {
 public:
  Uses(const ir::Graph& graph, std::span<const ir::Value> outputs)
      : maker_(graph.n_values(), kNone), readers_(graph.n_values()) {
    for (size_t i = 0; i < graph.nodes().size(); ++i) {
      for (const ir::Value value : graph.nodes()[i].outputs) maker_[value.id] = i;
      for (const ir::Value value : graph.nodes()[i].inputs) readers_[value.id].push_back(i);
    }
    for (const ir::Value value : outputs) readers_[value.id].push_back(kNone);
  }

  [[nodiscard]] size_t maker(ir::Value value) const { return maker_[value.id]; }
  [[nodiscard]] bool read_once(ir::Value value) const { return readers_[value.id].size() == 1; }

 private:
  std::vector<size_t> maker_;
  std::vector<std::vector<size_t>> readers_;
};

// The nodes without those that `removed` marks.
std::vector<ir::Node> without(const std::vector<ir::Node>& nodes, const std::vector<bool>& removed) {
  std::vector<ir::Node> kept;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!removed[i]) kept.push_back(nodes[i]);
  }
  return kept;
}

// Adds one node through a builder and takes it off the end of the list again, to be put where it belongs.
template <class Make>
ir::Node made_apart(ir::Graph& graph, const Make& make) {
  std::vector<ir::Node> nodes = graph.nodes();
  ir::Builder b(graph);
  make(b);
  ir::Node made = graph.nodes().back();
  graph.set_nodes(std::move(nodes));
  return made;
}

}  // namespace

void remove_unused(ir::Graph& graph, std::span<const ir::Value> outputs) {
  std::vector<bool> read(graph.n_values(), false);
  for (const ir::Value value : outputs) read[value.id] = true;
  std::vector<bool> removed(graph.nodes().size(), false);
  for (size_t i = graph.nodes().size(); i-- > 0;) {
    const ir::Node& node = graph.nodes()[i];
    removed[i] = !node.outputs.empty() && std::ranges::none_of(node.outputs, [&](ir::Value v) { return read[v.id]; });
    if (removed[i]) continue;
    for (const ir::Value value : node.inputs) read[value.id] = true;
  }
  graph.set_nodes(without(graph.nodes(), removed));
}

namespace {

// The encoded forms of a graph's values, each made where it is first wanted.
class Encodings {
 public:
  /// `before` are the nodes as they were.
  Encodings(ir::Graph& graph, const std::vector<ir::Node>& before) : graph_(graph), before_(before), uses_(graph, {}) {}

  /// The encoded form of x in so many parts. Adds the nodes that make it to `nodes`, unless they are there.
  ir::Value of(ir::Value x, ir::Element element, size_t n_parts, std::vector<ir::Node>& nodes) {
    const std::tuple key{x, element, n_parts};
    if (const auto known = encoded_.find(key); known != encoded_.end()) return known->second;
    const size_t maker = uses_.maker(x);
    if (maker != kNone && n_parts == 1 && ops::is_spread(before_[maker])) {
      // A row that several experts get is encoded once.
      const ir::Value source = of(before_[maker].inputs[0], element, 1, nodes);
      nodes.push_back(made_apart(graph_, [&](ir::Builder& b) { ops::spread_instead(b, before_[maker], source); }));
    } else {
      nodes.push_back(made_apart(graph_, [&](ir::Builder& b) { ops::encode(b, x, element, n_parts); }));
    }
    return encoded_[key] = nodes.back().outputs[0];
  }

 private:
  ir::Graph& graph_;
  const std::vector<ir::Node>& before_;
  Uses uses_;
  std::map<std::tuple<ir::Value, ir::Element, size_t>, ir::Value> encoded_;
};

}  // namespace

void encode_activations(ir::Graph& graph) {
  std::vector<ir::Node> nodes;
  const std::vector<ir::Node> before = graph.nodes();
  Encodings encodings(graph, before);
  for (ir::Node node : before) {
    if (ops::is_linear(node) || ops::is_expert_linear(node) || ops::is_head_linear(node)) {
      const ir::Element element = ops::element_for(graph.weight(node.weights[0]).format->activation);
      if (element != ir::Element::kReal && graph.type(node.inputs[0]).element == ir::Element::kReal) {
        // Several, where each head of a row meets a matrix of its own.
        const size_t n_parts = graph.type(node.inputs[0]).cols / graph.weight(node.weights[0]).cols;
        node.inputs[0] = encodings.of(node.inputs[0], element, n_parts, nodes);
      }
    }
    nodes.push_back(std::move(node));
  }
  graph.set_nodes(std::move(nodes));
}

void fuse_norm_encode(ir::Graph& graph, std::span<const ir::Value> outputs) {
  const Uses uses(graph, outputs);
  std::vector<ir::Node> nodes = graph.nodes();
  std::vector<bool> removed(nodes.size(), false);
  for (ir::Node& node : nodes) {
    if (!ops::is_encode(node)) continue;
    const size_t maker = uses.maker(node.inputs[0]);
    if (maker == kNone || !uses.read_once(node.inputs[0]) || !ops::is_row_rms_norm(graph, nodes[maker])) continue;
    const ir::Value output = node.outputs[0];
    if (graph.type(output).rows != graph.type(node.inputs[0]).rows) continue;
    const ir::Node& norm = nodes[maker];
    node = made_apart(graph, [&](ir::Builder& b) { ops::rms_norm_encode(b, norm, graph.type(output).element); });
    node.outputs[0] = output;
    removed[maker] = true;
  }
  graph.set_nodes(without(nodes, removed));
}

void fuse_gated_linear(ir::Graph& graph, std::span<const ir::Value> outputs) {
  const Uses uses(graph, outputs);
  std::vector<ir::Node> nodes = graph.nodes();
  std::vector<bool> removed(nodes.size(), false);
  for (ir::Node& node : nodes) {
    if (!ops::is_gated(node)) continue;
    const size_t gate = uses.maker(node.inputs[0]);
    const size_t up = uses.maker(node.inputs[1]);
    if (gate == kNone || up == kNone || gate == up) continue;
    if (!uses.read_once(node.inputs[0]) || !uses.read_once(node.inputs[1])) continue;
    if (nodes[gate].inputs != nodes[up].inputs) continue;
    if (ops::is_plain_linear(nodes[gate]) && ops::is_plain_linear(nodes[up])) {
      node = ops::gated_linear(node, nodes[gate], nodes[up]);
    } else if (ops::is_plain_expert_linear(nodes[gate]) && ops::is_plain_expert_linear(nodes[up])) {
      node = ops::gated_expert_linear(node, nodes[gate], nodes[up]);
    } else {
      continue;
    }
    removed[gate] = removed[up] = true;
  }
  graph.set_nodes(without(nodes, removed));
}

void fuse_residual(ir::Graph& graph, std::span<const ir::Value> outputs) {
  const Uses uses(graph, outputs);
  std::vector<ir::Node> nodes = graph.nodes();
  std::vector<bool> removed(nodes.size(), false);
  for (ir::Node& node : nodes) {
    if (!ops::is_add(node)) continue;
    for (size_t side = 0; side < 2; ++side) {
      const ir::Value product = node.inputs[side];
      const size_t maker = uses.maker(product);
      if (maker == kNone || !uses.read_once(product) || removed[maker] || !ops::is_plain_linear(nodes[maker])) continue;
      // Addition of two numbers does not depend on their order, so either side may be the product.
      node = ops::residual_linear(nodes[maker], node.inputs[1 - side], node.outputs[0]);
      removed[maker] = true;
      break;
    }
  }
  graph.set_nodes(without(nodes, removed));
}

void group_linears(ir::Graph& graph) {
  const std::vector<ir::Node> nodes = graph.nodes();
  // Those of experts may have biases, all of a group or none.
  std::map<std::tuple<const ir::Op*, size_t, std::vector<ir::Value>>, std::vector<size_t>> by_input;
  const auto key_of = [](const ir::Node& node) { return std::tuple{node.op, node.weights.size(), node.inputs}; };
  const auto may_be_grouped = [](const ir::Node& node) {
    return ops::is_plain_linear(node) || (ops::is_expert_linear(node) && node.outputs.size() == 1);
  };
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (may_be_grouped(nodes[i])) by_input[key_of(nodes[i])].push_back(i);
  }
  std::vector<ir::Node> grouped;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!may_be_grouped(nodes[i])) {
      grouped.push_back(nodes[i]);
      continue;
    }
    const std::vector<size_t>& members = by_input[key_of(nodes[i])];
    if (members.front() != i) continue;  // stands in the group of an earlier one
    std::vector<const ir::Node*> of_group;
    for (const size_t member : members) of_group.push_back(&nodes[member]);
    if (members.size() == 1) {
      grouped.push_back(nodes[i]);
    } else if (ops::is_expert_linear(nodes[i])) {
      grouped.push_back(ops::grouped_expert_linear(of_group));
    } else {
      grouped.push_back(ops::grouped_linear(nodes[i].inputs[0], of_group));
    }
  }
  graph.set_nodes(std::move(grouped));
}

size_t KvGroup::pages_for(size_t n_tokens, size_t step) const noexcept {
  const size_t all = (n_tokens + kernels::kPageTokens - 1) / kernels::kPageTokens;
  if (window == 0) return all;
  // What is seen before a border, the page behind it, and where that has a single place left the pages of all rows but
  // one.
  return std::min(all, pages_before() + 1 + (step + kernels::kPageTokens - 2) / kernels::kPageTokens);
}

size_t SequenceLayout::bytes_for(size_t n_tokens, size_t step) const noexcept {
  size_t bytes = state_bytes;
  for (const KvGroup& group : groups) bytes += group.pages_for(n_tokens, step) * 2 * group.page_bytes;
  return bytes;
}

SequenceLayout keep_sequences(ir::Graph& graph, kernels::KvType type) {
  SequenceLayout layout{type, {}, 0};
  std::map<std::pair<ir::Value, ir::Value>, ops::KvPlace> places;  // of keys and values that are stored already
  std::vector<ir::Node> nodes;
  for (const ir::Node& node : graph.nodes()) {
    if (!ops::is_attend(node)) {
      nodes.push_back(node);
      if (const auto state_bytes = ops::op_of(node).state_bytes; state_bytes != nullptr) {
        nodes.back().state_offset = layout.state_bytes;
        layout.state_bytes += static_cast<size_t>(round_up(state_bytes(graph, node), tensor::kAlignment));
      }
      continue;
    }
    const ops::AttendSpec& spec = ops::attend_spec(node);
    auto [known, is_new] = places.try_emplace({node.inputs[1], node.inputs[2]});
    if (is_new) {
      const auto group = std::ranges::find(layout.groups, spec.visibility.window, &KvGroup::window);
      known->second.group = static_cast<size_t>(group - layout.groups.begin());
      if (group == layout.groups.end()) layout.groups.push_back({spec.visibility.window, 0, 0});
      KvGroup& of = layout.groups[known->second.group];
      known->second.offset = of.page_bytes;
      const size_t layer_bytes = spec.n_kv_heads * kernels::kPageTokens * kernels::kv_bytes(type, spec.head_dim);
      of.page_bytes += static_cast<size_t>(round_up(layer_bytes, tensor::kAlignment));
      ++of.n_layers;
      nodes.push_back(ops::store_kv(node, known->second));
    }
    nodes.push_back(ops::attend_cache(node, known->second));
  }
  graph.set_nodes(std::move(nodes));
  return layout;
}

SequenceLayout lower_for_inference(ir::Graph& graph, std::span<const ir::Value> outputs,
                                   std::optional<kernels::KvType> kv_type) {
  encode_activations(graph);
  remove_unused(graph, outputs);  // plain rows of experts too, where only the encoded ones are read
  fuse_norm_encode(graph, outputs);
  fuse_gated_linear(graph, outputs);
  fuse_residual(graph, outputs);
  group_linears(graph);
  return kv_type ? keep_sequences(graph, *kv_type) : SequenceLayout{};
}

void lower_for_training(ir::Graph& graph, std::span<const ir::Value> outputs) {
  encode_activations(graph);
  remove_unused(graph, outputs);
}

}  // namespace kinglet::graph
