#include "model/grammar/readings.h"

#include <algorithm>
#include <map>

#include "core/base/base.h"

namespace kinglet::grammar {
namespace {

// Node 0 is what follows the root: the end of the text.
constexpr uint32_t kEnd = 0;

uint64_t digest_of(const auto& items) {
  uint64_t digest = 0x9E3779B97F4A7C15U;
  for (const auto& item : items) {
    digest ^= (uint64_t{item.state} << 32U) | item.node;
    digest *= 0xBF58476D1CE4E5B9U;
    digest ^= digest >> 31U;
  }
  return digest;
}

void set_bit(Mask& mask, int32_t token) {
  mask[static_cast<size_t>(token) / 32] |= 1U << (static_cast<uint32_t>(token) % 32U);
}

}  // namespace

Readings::Readings(const Program& program) : program_(program), rule_by_rank_(program.rules.size()) {
  for (uint32_t r = 0; r < program.rules.size(); ++r) rule_by_rank_[program.rules[r].rank] = r;
  nodes_.push_back({{0, 0}, 0});
  positions_.push_back({{0, 0}, {0, 0}, false});
  const Program::Rule& root = program.rules[program.root];
  // The start has no kernel of its own: it is the root being called. A state can stand for it, since no completion of
  // nothing is needed beyond what `nullable` says.
  std::vector<Item> active;
  if (program.is_lexeme_state(root.start)) {
    active.push_back({root.start, kEnd});
  } else {
    close({{root.start, kEnd}}, active);
  }
  start_ = static_cast<uint32_t>(positions_.size());
  const Set set = add_items(active);
  positions_.push_back({{0, 0}, set, root.nullable});
}

Readings::Set Readings::add_items(std::span<const Item> items) {
  const Set set{static_cast<uint32_t>(items_.size()), static_cast<uint32_t>(items.size())};
  items_.insert(items_.end(), items.begin(), items.end());
  bytes_ += items.size_bytes();
  return set;
}

uint32_t Readings::node_of(std::vector<Item>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  const uint64_t digest = digest_of(list);
  const auto [from, to] = node_ids_.equal_range(digest);
  for (auto at = from; at != to; ++at) {
    const auto have = items(nodes_[at->second].items);
    if (std::equal(have.begin(), have.end(), list.begin(), list.end())) return at->second;
  }
  uint32_t depth = 0;
  for (const Item& item : list) depth = std::max(depth, nodes_[item.node].depth + 1);
  if (depth > kMaxDepth)
    fail_with(ErrorCode::kInvalidArgument, "grammar: a text nests deeper than ", kMaxDepth, " (limit of nesting)");
  const auto id = static_cast<uint32_t>(nodes_.size());
  nodes_.push_back({add_items(list), depth});
  node_ids_.emplace(digest, id);
  bytes_ += sizeof(Node) + 64;
  return id;
}

// Adds what follows the rules that end here, and notes whether the text itself may end.
void Readings::complete(std::vector<Item>& kernel, bool& can_end) const {
  can_end = false;
  const auto is_new = [&](const Item& item) { return std::find(kernel.begin(), kernel.end(), item) == kernel.end(); };
  for (size_t i = 0; i < kernel.size(); ++i) {
    if (kernel.size() > kMaxReadings) {
      fail_with(ErrorCode::kInvalidArgument, "grammar: a text can be read in more than ", kMaxReadings,
                " ways at once (limit of readings)");
    }
    const Item item = kernel[i];
    bool accepts = false;
    if (program_.is_lexeme_state(item.state)) {
      const auto& [lexeme, first_state] = program_.lexeme_of(item.state);
      accepts = lexeme.accepts(item.state - first_state);
    } else {
      const Program::State& state = program_.states[item.state];
      accepts = state.accepts;
      for (uint32_t c = 0; c < state.n_calls; ++c) {
        const Program::CallEdge& edge = program_.call_edges[state.first_call + c];
        if (program_.rules[edge.rule].nullable && is_new({edge.to, item.node})) kernel.push_back({edge.to, item.node});
      }
    }
    if (!accepts) continue;
    if (item.node == kEnd) can_end = true;
    for (const Item& next : items(nodes_[item.node].items)) {
      if (is_new(next)) kernel.push_back(next);
    }
  }
}

// The readings that bytes lead on from: those of the kernel and the beginnings of all rules that are called from here.
// Rules are entered in the order of their ranks, so that all callers of one are known when its node is made.
void Readings::close(const std::vector<Item>& kernel, std::vector<Item>& active) {
  std::map<uint32_t, std::vector<Item>> callers;  // by rank
  const auto call = [&](uint32_t rule, const Item& back) {
    auto& list = callers[program_.rules[rule].rank];
    // Where the caller itself has nothing left what follows it follows: recursion at the end of a rule nests nothing.
    if (back.node != kEnd && !program_.is_lexeme_state(back.state) && program_.states[back.state].is_last) {
      const auto next = items(nodes_[back.node].items);
      list.insert(list.end(), next.begin(), next.end());
    } else {
      list.push_back(back);
    }
  };
  const auto expand = [&](const Item& item) {
    if (program_.is_lexeme_state(item.state)) {
      const auto& [lexeme, first_state] = program_.lexeme_of(item.state);
      if (lexeme.goes_on(item.state - first_state)) active.push_back(item);
      return;
    }
    const Program::State& state = program_.states[item.state];
    if (state.n_bytes != 0) active.push_back(item);
    for (uint32_t c = 0; c < state.n_calls; ++c) {
      const Program::CallEdge& edge = program_.call_edges[state.first_call + c];
      call(edge.rule, {edge.to, item.node});
    }
  };
  const auto nullable_expand = [&](std::vector<Item> list) {
    for (size_t i = 0; i < list.size(); ++i) {
      const Item item = list[i];
      expand(item);
      if (program_.is_lexeme_state(item.state)) continue;
      const Program::State& state = program_.states[item.state];
      for (uint32_t c = 0; c < state.n_calls; ++c) {
        const Program::CallEdge& edge = program_.call_edges[state.first_call + c];
        const Item next{edge.to, item.node};
        if (program_.rules[edge.rule].nullable && std::find(list.begin(), list.end(), next) == list.end())
          list.push_back(next);
      }
    }
  };
  nullable_expand(kernel);
  while (!callers.empty()) {
    auto first = callers.extract(callers.begin());
    const Program::Rule& rule = program_.rules[rule_by_rank_[first.key()]];
    const uint32_t node = node_of(first.mapped());
    if (program_.is_lexeme_state(rule.start)) {
      expand({rule.start, node});
    } else {
      nullable_expand({{rule.start, node}});
    }
    if (active.size() > kMaxReadings) {
      fail_with(ErrorCode::kInvalidArgument, "grammar: a text can be read in more than ", kMaxReadings,
                " ways at once (limit of readings)");
    }
  }
  // Lexemes last: their states have the highest numbers.
  std::sort(active.begin(), active.end());
  active.erase(std::unique(active.begin(), active.end()), active.end());
}

uint32_t Readings::position_of(std::vector<Item>& kernel) {
  if (kernel.empty()) return kNowhere;
  std::sort(kernel.begin(), kernel.end());
  kernel.erase(std::unique(kernel.begin(), kernel.end()), kernel.end());
  const uint64_t digest = digest_of(kernel);
  const auto [from, to] = position_ids_.equal_range(digest);
  for (auto at = from; at != to; ++at) {
    const auto have = items(positions_[at->second].kernel);
    if (std::equal(have.begin(), have.end(), kernel.begin(), kernel.end())) return at->second;
  }
  const Set kernel_set = add_items(kernel);
  Position position{kernel_set, {}, false};
  std::vector<Item> active;
  std::vector<Item> all = kernel;
  complete(all, position.can_end);
  close(all, active);
  position.active = add_items(active);
  const auto id = static_cast<uint32_t>(positions_.size());
  positions_.push_back(position);
  position_ids_.emplace(digest, id);
  bytes_ += sizeof(Position) + 64;
  return id;
}

uint32_t Readings::position_behind(uint32_t node) {
  if (nodes_[node].behind == UINT32_MAX) {
    const auto next = items(nodes_[node].items);
    std::vector<Item> kernel(next.begin(), next.end());
    const uint32_t position = position_of(kernel);
    nodes_[node].behind = position;
  }
  return nodes_[node].behind;
}

void Readings::follow(std::span<const Item> active, uint8_t byte, std::vector<Item>& kernel) const {
  for (const Item& item : active) {
    if (program_.is_lexeme_state(item.state)) {
      const auto& [lexeme, first_state] = program_.lexeme_of(item.state);
      const uint32_t to = lexeme.next(item.state - first_state, byte);
      if (to != Lexeme::kDead) kernel.push_back({first_state + to, item.node});
      continue;
    }
    const Program::State& state = program_.states[item.state];
    for (uint32_t e = 0; e < state.n_bytes; ++e) {
      const Program::ByteEdge& edge = program_.byte_edges[state.first_byte + e];
      if (byte >= edge.low && byte <= edge.high) kernel.push_back({edge.to, item.node});
    }
  }
}

uint32_t Readings::step(uint32_t position, uint8_t byte) {
  if (position == kNowhere) return kNowhere;
  const uint64_t key = (uint64_t{position} << 8U) | byte;
  if (const auto at = steps_.find(key); at != steps_.end()) return at->second;
  std::vector<Item> kernel;
  follow(items(positions_[position].active), byte, kernel);
  const uint32_t to = position_of(kernel);
  steps_.emplace(key, to);
  bytes_ += 48;
  return to;
}

std::bitset<256> Readings::first_bytes(std::span<const Item> active) const {
  std::bitset<256> bytes;
  for (const Item& item : active) {
    if (program_.is_lexeme_state(item.state)) {
      const auto& [lexeme, first_state] = program_.lexeme_of(item.state);
      for (uint32_t b = 0; b < 256; ++b) {
        if (lexeme.next(item.state - first_state, static_cast<uint8_t>(b)) != Lexeme::kDead) bytes.set(b);
      }
      continue;
    }
    const Program::State& state = program_.states[item.state];
    for (uint32_t e = 0; e < state.n_bytes; ++e) {
      const Program::ByteEdge& edge = program_.byte_edges[state.first_byte + e];
      for (uint32_t b = edge.low; b <= edge.high; ++b) bytes.set(b);
    }
  }
  return bytes;
}

const std::bitset<256>& Readings::first_bytes(uint32_t position) {
  auto& bytes = positions_[position].first_bytes;
  if (bytes == nullptr) {
    bytes = std::make_shared<const std::bitset<256>>(first_bytes(items(positions_[position].active)));
    bytes_ += 64;
  }
  return *bytes;
}

int Readings::only_byte(uint32_t position) {
  if (positions_[position].can_end) return -1;
  const std::bitset<256>& bytes = first_bytes(position);
  if (bytes.count() != 1) return -1;
  int byte = 0;
  while (!bytes.test(static_cast<size_t>(byte))) ++byte;
  return byte;
}

void Readings::walk(const TokenTrie& trie, uint32_t node, uint32_t position, Mask& mask) {
  const auto nodes = trie.nodes();
  const uint32_t end = nodes[node].end;
  if (end == node + 1) return;
  const size_t top = nodes[node].depth;
  const std::bitset<256> first = first_bytes(position);
  std::vector<uint32_t>& path = path_;  // positions by depth below the node
  path.assign(1, position);
  for (uint32_t i = node + 1; i < end;) {
    const TokenTrie::Node& here = nodes[i];
    const size_t depth = here.depth - top;
    if (depth == 1 && !first[here.byte]) {
      i = here.end;
      continue;
    }
    const uint32_t to = step(path[depth - 1], here.byte);
    if (to == kNowhere) {
      i = here.end;
      continue;
    }
    path.resize(depth);
    path.push_back(to);
    if (here.token >= 0) set_bit(mask, here.token);
    ++i;
  }
}

const LexemeMask& Readings::lexeme_mask(const TokenTrie& trie, uint32_t state) {
  auto& mask = lexeme_masks_[state];
  if (mask == nullptr) {
    const auto& [lexeme, first_state] = program_.lexeme_of(state);
    mask = trie.mask_of(lexeme, state - first_state);
  }
  return *mask;
}

// From states that are no lexemes: the first byte by their edges, then from position to position.
void Readings::walk_states(const TokenTrie& trie, std::span<const Item> active, Mask& mask) {
  const auto nodes = trie.nodes();
  const std::bitset<256> bytes = first_bytes(active);
  for (uint32_t i = 1; i < nodes.size(); i = nodes[i].end) {
    if (!bytes[nodes[i].byte]) continue;
    std::vector<Item> kernel;
    follow(active, nodes[i].byte, kernel);
    const uint32_t position = position_of(kernel);
    if (nodes[i].token >= 0) set_bit(mask, nodes[i].token);
    walk(trie, i, position, mask);
  }
}

std::shared_ptr<const Mask> Readings::mask(uint32_t position, const TokenTrie& trie) {
  if (const auto at = masks_.find(position); at != masks_.end()) return at->second;
  Mask mask(trie.n_words(), 0);
  // A copy: walking adds to items_.
  const auto list = items(positions_[position].active);
  const std::vector<Item> active(list.begin(), list.end());
  const auto lexemes = std::find_if(active.begin(), active.end(),
                                    [&](const Item& item) { return program_.is_lexeme_state(item.state); });
  if (lexemes != active.begin()) walk_states(trie, {active.begin(), lexemes}, mask);
  for (auto item = lexemes; item != active.end(); ++item) {
    const LexemeMask& inner = lexeme_mask(trie, item->state);
    for (size_t w = 0; w < inner.words.size(); ++w) mask[w] |= inner.words[w];
    for (const int32_t token : inner.tokens) set_bit(mask, token);
    if (inner.exits.empty() || item->node == kEnd) continue;
    const uint32_t behind = position_behind(item->node);
    for (const uint32_t exit : inner.exits) walk(trie, exit, behind, mask);
  }
  for (const auto& [token, twin] : trie.twins()) {
    const auto id = static_cast<size_t>(token);
    if ((mask[id / 32] >> (id % 32) & 1U) != 0) set_bit(mask, twin);
  }
  auto made = std::make_shared<const Mask>(std::move(mask));
  masks_.emplace(position, made);
  bytes_ += made->size() * sizeof(uint32_t) + 64;
  return made;
}

uint32_t Readings::import(const Readings& from, uint32_t position) {
  if (position == kNowhere) return kNowhere;
  if (position == from.start_) return start_;
  // Nodes only refer to nodes with lower numbers.
  std::vector<uint32_t> order;
  std::vector<uint32_t> work;
  std::unordered_map<uint32_t, uint32_t> ids = {{kEnd, kEnd}};
  const auto meet = [&](std::span<const Item> list) {
    for (const Item& item : list) {
      if (ids.emplace(item.node, UINT32_MAX).second) work.push_back(item.node);
    }
  };
  meet(from.items(from.positions_[position].kernel));
  while (!work.empty()) {
    const uint32_t node = work.back();
    work.pop_back();
    order.push_back(node);
    meet(from.items(from.nodes_[node].items));
  }
  std::sort(order.begin(), order.end());
  const auto translated = [&](Set set) {
    std::vector<Item> list;
    for (const Item& item : from.items(set)) list.push_back({item.state, ids[item.node]});
    return list;
  };
  for (const uint32_t node : order) {
    std::vector<Item> list = translated(from.nodes_[node].items);
    ids[node] = node_of(list);
  }
  std::vector<Item> kernel = translated(from.positions_[position].kernel);
  return position_of(kernel);
}

}  // namespace kinglet::grammar
