#include "model/grammar/dfa.h"

#include <algorithm>
#include <unordered_map>

#include "core/base/base.h"

namespace kinglet::grammar {
namespace {

// Of a table before it is minimal, or of all sets of states together: 32 MB.
constexpr size_t kMaxCells = 8'000'000;

[[noreturn]] void fail_of_states() {
  fail_with(ErrorCode::kInvalidArgument, "grammar: a set of texts takes more than ", Dfa::kMaxStates,
            " states (limit of an automaton)");
}

uint64_t mixed(uint64_t digest, uint64_t value) {
  digest ^= value + 0x9E3779B97F4A7C15U + (digest << 6U) + (digest >> 2U);
  digest *= 0xBF58476D1CE4E5B9U;
  return digest ^ (digest >> 29U);
}

// Hopcroft's refinement: the blocks of states that no text tells apart. State 0 is an ordinary one here.
class Partition {
 public:
  Partition(size_t n_classes, const std::vector<uint32_t>& table, const std::vector<uint8_t>& accepts)
      : n_(accepts.size()), n_classes_(n_classes), states_(n_), place_(n_), block_(n_, 0) {
    index_sources(table);
    for (uint32_t i = 0; i < n_; ++i) states_[i] = i;
    std::stable_sort(states_.begin(), states_.end(), [&](uint32_t a, uint32_t b) { return accepts[a] > accepts[b]; });
    for (uint32_t i = 0; i < n_; ++i) place_[states_[i]] = i;
    const auto n_accepting = static_cast<uint32_t>(std::count(accepts.begin(), accepts.end(), 1));
    add_block(0, n_accepting);
    add_block(n_accepting, static_cast<uint32_t>(n_));
    while (!work_.empty()) {
      const auto [block, symbol] = work_.back();
      work_.pop_back();
      waits_[size_t{block} * n_classes_ + symbol] = 0;
      split_by(block, symbol);
    }
  }
  [[nodiscard]] uint32_t block_of(uint32_t state) const { return block_[state]; }
  [[nodiscard]] size_t size() const { return begin_.size(); }

 private:
  void index_sources(const std::vector<uint32_t>& table) {
    first_source_.assign(n_ * n_classes_ + 1, 0);
    for (size_t i = 0; i < table.size(); ++i) ++first_source_[size_t{table[i]} * n_classes_ + i % n_classes_ + 1];
    for (size_t i = 1; i < first_source_.size(); ++i) first_source_[i] += first_source_[i - 1];
    sources_.resize(table.size());
    std::vector<uint32_t> at(first_source_.begin(), first_source_.end() - 1);
    for (size_t i = 0; i < table.size(); ++i) {
      sources_[at[size_t{table[i]} * n_classes_ + i % n_classes_]++] = static_cast<uint32_t>(i / n_classes_);
    }
  }
  void add_block(uint32_t begin, uint32_t end) {
    if (begin == end) return;
    const auto id = static_cast<uint32_t>(begin_.size());
    begin_.push_back(begin);
    end_.push_back(end);
    n_marked_.push_back(0);
    for (uint32_t i = begin; i < end; ++i) block_[states_[i]] = id;
    waits_.resize(begin_.size() * n_classes_, 0);
    for (size_t symbol = 0; symbol < n_classes_; ++symbol) put(id, symbol);
  }
  void put(uint32_t block, size_t symbol) {
    uint8_t& waits = waits_[size_t{block} * n_classes_ + symbol];
    if (waits == 0) work_.emplace_back(block, symbol);
    waits = 1;
  }
  void split_by(uint32_t block, size_t symbol) {
    std::vector<uint32_t> marked;
    touched_.clear();
    for (uint32_t i = begin_[block]; i < end_[block]; ++i) {
      const size_t cell = size_t{states_[i]} * n_classes_ + symbol;
      marked.insert(marked.end(), sources_.begin() + first_source_[cell], sources_.begin() + first_source_[cell + 1]);
    }
    for (const uint32_t state : marked) {
      const uint32_t own = block_[state];
      if (n_marked_[own] == 0) touched_.push_back(own);
      const uint32_t to = begin_[own] + n_marked_[own]++;
      const uint32_t other = states_[to];
      std::swap(states_[place_[state]], states_[to]);
      std::swap(place_[state], place_[other]);
    }
    for (const uint32_t own : touched_) {
      const uint32_t middle = begin_[own] + n_marked_[own];
      n_marked_[own] = 0;
      if (middle == end_[own]) continue;
      split(own, middle);
    }
  }
  // The smaller part becomes the new block: each state is put into the work a logarithm of times.
  void split(uint32_t own, uint32_t middle) {
    const uint32_t begin = begin_[own];
    const uint32_t end = end_[own];
    const bool first_is_smaller = middle - begin < end - middle;
    begin_[own] = first_is_smaller ? middle : begin;
    end_[own] = first_is_smaller ? end : middle;
    add_block(first_is_smaller ? begin : middle, first_is_smaller ? middle : end);
  }

  size_t n_;
  size_t n_classes_;
  std::vector<uint32_t> states_;  // block by block, the marked ones of each first
  std::vector<uint32_t> place_;
  std::vector<uint32_t> block_;
  std::vector<uint32_t> begin_;
  std::vector<uint32_t> end_;
  std::vector<uint32_t> n_marked_;
  std::vector<uint32_t> first_source_;
  std::vector<uint32_t> sources_;
  std::vector<uint32_t> touched_;
  std::vector<uint8_t> waits_;
  std::vector<std::pair<uint32_t, size_t>> work_;
};

// Which states reach an accepting one.
std::vector<uint8_t> live_states(size_t n_classes, const std::vector<uint32_t>& table,
                                 const std::vector<uint8_t>& accepts) {
  const size_t n = accepts.size();
  std::vector<std::vector<uint32_t>> sources(n);
  for (size_t i = 0; i < table.size(); ++i) {
    const auto from = static_cast<uint32_t>(i / n_classes);
    if (sources[table[i]].empty() || sources[table[i]].back() != from) sources[table[i]].push_back(from);
  }
  std::vector<uint8_t> live(accepts);
  std::vector<uint32_t> work;
  for (uint32_t i = 0; i < n; ++i) {
    if (live[i] != 0) work.push_back(i);
  }
  while (!work.empty()) {
    const uint32_t state = work.back();
    work.pop_back();
    for (const uint32_t from : sources[state]) {
      if (live[from] == 0) {
        live[from] = 1;
        work.push_back(from);
      }
    }
  }
  return live;
}

struct HashOfSet {
  size_t operator()(const std::vector<uint32_t>& set) const noexcept {
    uint64_t digest = set.size();
    for (const uint32_t value : set) digest = mixed(digest, value);
    return digest;
  }
};

// Bytes that no boundary separates are one class.
size_t classes_between(const std::array<bool, 257>& boundaries, std::array<uint8_t, 256>& class_of) {
  size_t n = 0;
  for (size_t byte = 0; byte < 256; ++byte) {
    if (byte > 0 && boundaries[byte]) ++n;
    class_of[byte] = static_cast<uint8_t>(n);
  }
  return n + 1;
}

}  // namespace

Dfa::Dfa(const std::array<uint8_t, 256>& class_of, size_t n_classes, std::vector<uint32_t> table,
         std::vector<uint8_t> accepts, uint32_t start)
    : class_of_(class_of),
      n_classes_(n_classes),
      table_(std::move(table)),
      accepts_(std::move(accepts)),
      goes_on_(accepts_.size(), 0),
      start_(start) {
  for (size_t i = 0; i < table_.size(); ++i) {
    if (table_[i] != kDead) goes_on_[i / n_classes_] = 1;
  }
  uint64_t digest = start_;
  for (const uint8_t c : class_of_) digest = mixed(digest, c);
  for (const uint32_t to : table_) digest = mixed(digest, to);
  for (const uint8_t accept : accepts_) digest = mixed(digest, accept);
  fingerprint_ = digest;
}

bool Dfa::contains(std::string_view text) const noexcept {
  uint32_t state = start_;
  for (const char byte : text) state = next(state, static_cast<uint8_t>(byte));
  return accepts(state);
}

bool Dfa::is_finite() const {
  // All states are alive, so the set is finite where they have an order: those without a way in are taken away first.
  std::vector<uint32_t> n_in(size(), 0);
  for (const uint32_t to : table_) ++n_in[to];
  std::vector<uint32_t> work;
  if (start_ != kDead && n_in[start_] == 0) work.push_back(start_);
  size_t taken = 1;
  while (!work.empty()) {
    const uint32_t state = work.back();
    work.pop_back();
    ++taken;
    for (size_t c = 0; c < n_classes_; ++c) {
      const uint32_t to = table_[size_t{state} * n_classes_ + c];
      if (to != kDead && --n_in[to] == 0) work.push_back(to);
    }
  }
  return taken == size();
}

Dfa Dfa::minimal(const std::array<uint8_t, 256>& class_of, size_t n_classes, const std::vector<uint32_t>& table,
                 const std::vector<uint8_t>& accepts, uint32_t start) {
  const std::vector<uint8_t> live = live_states(n_classes, table, accepts);
  if (live[start] == 0) return {};
  std::vector<uint32_t> trimmed(table);
  for (size_t i = 0; i < trimmed.size(); ++i) {
    if (live[trimmed[i]] == 0 || live[i / n_classes] == 0) trimmed[i] = kDead;
  }
  const Partition blocks(n_classes, trimmed, accepts);
  // Numbered in the order in which they are met from the start, bytes ascending: equal sets become equal automata.
  std::vector<uint32_t> number(blocks.size(), UINT32_MAX);
  std::vector<uint32_t> member = {0};
  number[blocks.block_of(kDead)] = kDead;
  const auto number_of = [&](uint32_t state) {
    uint32_t& id = number[blocks.block_of(state)];
    if (id == UINT32_MAX) {
      id = static_cast<uint32_t>(member.size());
      member.push_back(state);
    }
    return id;
  };
  const uint32_t first = number_of(start);
  std::vector<uint32_t> rows(n_classes, kDead);
  for (size_t id = 1; id < member.size(); ++id) {
    for (size_t c = 0; c < n_classes; ++c) rows.push_back(number_of(trimmed[size_t{member[id]} * n_classes + c]));
  }
  const size_t n = member.size();
  // Classes with equal columns become one.
  std::unordered_map<std::vector<uint32_t>, uint8_t, HashOfSet> columns;
  std::array<uint8_t, 256> new_class{};
  std::vector<size_t> kept;
  std::vector<int> class_map(n_classes, -1);
  for (size_t byte = 0; byte < 256; ++byte) {
    const size_t c = class_of[byte];
    if (class_map[c] < 0) {
      std::vector<uint32_t> column(n);
      for (size_t s = 0; s < n; ++s) column[s] = rows[s * n_classes + c];
      const auto [at, is_new] = columns.emplace(std::move(column), static_cast<uint8_t>(kept.size()));
      if (is_new) kept.push_back(c);
      class_map[c] = at->second;
    }
    new_class[byte] = static_cast<uint8_t>(class_map[c]);
  }
  std::vector<uint32_t> packed;
  std::vector<uint8_t> packed_accepts;
  packed.reserve(n * kept.size());
  for (size_t s = 0; s < n; ++s) {
    for (const size_t c : kept) packed.push_back(rows[s * n_classes + c]);
    packed_accepts.push_back(s == kDead ? 0 : accepts[member[s]]);
  }
  return {new_class, kept.size(), std::move(packed), std::move(packed_accepts), first};
}

template <class Accepts>
Dfa Dfa::product(const Dfa& a, const Dfa& b, const Accepts& accepts) {
  std::array<bool, 257> boundaries{};
  for (size_t byte = 1; byte < 256; ++byte) {
    boundaries[byte] = a.class_of_[byte] != a.class_of_[byte - 1] || b.class_of_[byte] != b.class_of_[byte - 1];
  }
  std::array<uint8_t, 256> class_of{};
  const size_t n_classes = classes_between(boundaries, class_of);
  std::vector<uint8_t> byte_of(n_classes);
  for (size_t byte = 256; byte-- > 0;) byte_of[class_of[byte]] = static_cast<uint8_t>(byte);

  std::unordered_map<uint64_t, uint32_t> ids;
  std::vector<std::pair<uint32_t, uint32_t>> pairs = {{kDead, kDead}};
  ids.emplace(0, 0);
  const auto id_of = [&](uint32_t s, uint32_t t) {
    const auto [at, is_new] = ids.emplace((uint64_t{s} << 32U) | t, static_cast<uint32_t>(pairs.size()));
    if (is_new) pairs.emplace_back(s, t);
    return at->second;
  };
  const uint32_t start = id_of(a.start_, b.start_);
  std::vector<uint32_t> table(n_classes, kDead);
  std::vector<uint8_t> accept = {0};
  for (size_t i = 1; i < pairs.size(); ++i) {
    if (pairs.size() > 4 * kMaxStates || table.size() > kMaxCells) fail_of_states();
    const auto [s, t] = pairs[i];
    for (size_t c = 0; c < n_classes; ++c) table.push_back(id_of(a.next(s, byte_of[c]), b.next(t, byte_of[c])));
    accept.push_back(accepts(a.accepts(s), b.accepts(t)) ? 1 : 0);
  }
  Dfa made = minimal(class_of, n_classes, table, accept, start);
  if (made.size() > kMaxStates) fail_of_states();
  return made;
}

Dfa Dfa::intersection(const Dfa& a, const Dfa& b) {
  return product(a, b, [](bool x, bool y) { return x && y; });
}

Dfa Dfa::union_of(const Dfa& a, const Dfa& b) {
  return product(a, b, [](bool x, bool y) { return x || y; });
}

Dfa Dfa::difference(const Dfa& a, const Dfa& b) {
  return product(a, b, [](bool x, bool y) { return x && !y; });
}

Dfa Dfa::of_texts(const std::vector<std::string>& texts) {
  Nfa nfa;
  const uint32_t start = nfa.add_state();
  const uint32_t accepting = nfa.add_state();
  for (const std::string& text : texts) nfa.add_epsilon(nfa.add_text(start, text), accepting);
  return nfa.determinized(start, accepting);
}

uint32_t Nfa::add_state() {
  if (states_.size() == kMaxStates) {
    fail_with(ErrorCode::kInvalidArgument, "grammar: a pattern takes more than ", kMaxStates,
              " states (limit of a nondeterministic automaton)");
  }
  states_.emplace_back();
  return static_cast<uint32_t>(states_.size() - 1);
}

uint32_t Nfa::add_text(uint32_t from, std::string_view text) { return add_text_to(*this, from, text); }

void Nfa::add_characters(uint32_t from, uint32_t low, uint32_t high, uint32_t to) {
  add_characters_to(*this, from, low, high, to);
}

void Nfa::add_dfa(uint32_t from, const Dfa& dfa, uint32_t to) {
  if (dfa.is_empty()) return;
  std::vector<uint32_t> ids(dfa.size());
  for (uint32_t s = 1; s < dfa.size(); ++s) ids[s] = add_state();
  for (uint32_t s = 1; s < dfa.size(); ++s) {
    for (uint32_t low = 0; low < 256;) {
      const uint32_t next = dfa.next(s, static_cast<uint8_t>(low));
      uint32_t high = low;
      while (high < 255 && dfa.next(s, static_cast<uint8_t>(high + 1)) == next) ++high;
      if (next != Dfa::kDead) add_bytes(ids[s], static_cast<uint8_t>(low), static_cast<uint8_t>(high), ids[next]);
      low = high + 1;
    }
    if (dfa.accepts(s)) add_epsilon(ids[s], to);
  }
  add_epsilon(from, ids[dfa.start()]);
}

Dfa Nfa::determinized(uint32_t start, uint32_t accepting) const {
  std::array<bool, 257> boundaries{};
  for (const State& state : states_) {
    for (const Edge& edge : state.edges) boundaries[edge.low] = boundaries[size_t{edge.high} + 1] = true;
  }
  std::array<uint8_t, 256> class_of{};
  const size_t n_classes = classes_between(boundaries, class_of);

  std::vector<uint32_t> seen(states_.size(), UINT32_MAX);
  uint32_t stamp = 0;
  const auto close = [&](std::vector<uint32_t>& set) {
    ++stamp;
    std::vector<uint32_t> closed;
    std::vector<uint32_t> work(set);
    while (!work.empty()) {
      const uint32_t state = work.back();
      work.pop_back();
      if (seen[state] == stamp) continue;
      seen[state] = stamp;
      // A state without edges matters only where it is the accepting one.
      if (!states_[state].edges.empty() || state == accepting) closed.push_back(state);
      work.insert(work.end(), states_[state].epsilons.begin(), states_[state].epsilons.end());
    }
    std::sort(closed.begin(), closed.end());
    set = std::move(closed);
  };

  std::unordered_map<std::vector<uint32_t>, uint32_t, HashOfSet> ids;
  std::vector<std::vector<uint32_t>> sets = {{}};
  ids.emplace(std::vector<uint32_t>{}, Dfa::kDead);
  size_t n_members = 0;
  const auto id_of = [&](std::vector<uint32_t> set) {
    close(set);
    const auto [at, is_new] = ids.emplace(std::move(set), static_cast<uint32_t>(sets.size()));
    if (is_new) {
      n_members += at->first.size();
      sets.push_back(at->first);
    }
    return at->second;
  };
  const uint32_t first = id_of({start});
  std::vector<uint32_t> table(n_classes, Dfa::kDead);
  std::vector<uint8_t> accepts = {0};
  std::vector<std::vector<uint32_t>> targets(n_classes);
  for (size_t i = 1; i < sets.size(); ++i) {
    if (sets.size() > 2 * Dfa::kMaxStates || n_members > kMaxCells || table.size() > kMaxCells) fail_of_states();
    for (const uint32_t state : sets[i]) {
      for (const Edge& edge : states_[state].edges) {
        for (size_t c = class_of[edge.low]; c <= class_of[edge.high]; ++c) targets[c].push_back(edge.to);
      }
    }
    for (size_t c = 0; c < n_classes; ++c) {
      if (targets[c].empty()) {
        table.push_back(Dfa::kDead);
        continue;
      }
      table.push_back(id_of(std::move(targets[c])));
      targets[c].clear();
    }
    accepts.push_back(std::binary_search(sets[i].begin(), sets[i].end(), accepting) ? 1 : 0);
  }
  Dfa made = Dfa::minimal(class_of, n_classes, table, accepts, first);
  if (made.size() > Dfa::kMaxStates) fail_of_states();
  return made;
}

}  // namespace kinglet::grammar
