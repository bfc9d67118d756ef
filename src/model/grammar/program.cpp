#include "model/grammar/program.h"

#include <algorithm>

#include "core/base/base.h"

namespace kinglet::grammar {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

// The states without empty moves, those that a rule really enters, as they become a Program.
struct Flat {
  struct State {
    std::vector<Program::ByteEdge> bytes;
    std::vector<Program::CallEdge> calls;
    bool accepts = false;
  };
  std::vector<State> states;
  std::vector<uint32_t> starts;  // by rule; kNone: a lexeme
};

template <class Edge>
void add_all(std::vector<Edge>& to, const std::vector<Edge>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

// R begins with R: what follows it there may follow each end of R. Where R may be empty what follows may come first.
void remove_direct_left_recursion(Flat& flat, uint32_t rule, const std::vector<uint8_t>& nullable) {
  const uint32_t start = flat.starts[rule];
  const auto calls_itself = [&](const Program::CallEdge& edge) { return edge.rule == rule; };
  if (std::none_of(flat.states[start].calls.begin(), flat.states[start].calls.end(), calls_itself)) return;
  // The states of this rule, its start apart.
  std::vector<uint32_t> members = {start};
  std::vector<uint8_t> seen(flat.states.size(), 0);
  seen[start] = 1;
  const auto meet = [&](uint32_t state) {
    if (seen[state] == 0) {
      seen[state] = 1;
      members.push_back(state);
    }
  };
  for (size_t i = 0; i < members.size(); ++i) {
    for (const auto& edge : flat.states[members[i]].bytes) meet(edge.to);
    for (const auto& edge : flat.states[members[i]].calls) meet(edge.to);
  }
  Flat::State behind;
  Flat::State fresh = flat.states[start];
  std::erase_if(fresh.calls, calls_itself);
  std::vector<uint32_t> met;
  for (const auto& edge : flat.states[start].calls) {
    if (!calls_itself(edge) || std::find(met.begin(), met.end(), edge.to) != met.end()) continue;
    met.push_back(edge.to);
    add_all(behind.bytes, flat.states[edge.to].bytes);
    add_all(behind.calls, flat.states[edge.to].calls);
  }
  if (nullable[rule] != 0) {
    add_all(fresh.bytes, behind.bytes);
    add_all(fresh.calls, behind.calls);
    std::erase_if(fresh.calls, calls_itself);
  }
  for (const uint32_t member : members) {
    if (!flat.states[member].accepts) continue;
    add_all(flat.states[member].bytes, behind.bytes);
    add_all(flat.states[member].calls, behind.calls);
  }
  flat.starts[rule] = static_cast<uint32_t>(flat.states.size());
  flat.states.push_back(std::move(fresh));
}

}  // namespace

const Program::LexemeRule& Program::lexeme_of(uint32_t state) const noexcept {
  const auto behind = std::upper_bound(lexemes.begin(), lexemes.end(), state,
                                       [](uint32_t s, const LexemeRule& rule) { return s < rule.first_state; });
  return *(behind - 1);
}

uint32_t ProgramBuilder::add_rule(std::string name) {
  const uint32_t start = add_state();
  const uint32_t end = add_state();
  rules_.push_back({std::move(name), {start, end}, {}});
  return static_cast<uint32_t>(rules_.size() - 1);
}

uint32_t ProgramBuilder::add_lexeme(Lexeme lexeme) {
  const uint64_t digest = lexeme.fingerprint();
  if (const auto at = lexemes_.find(digest); at != lexemes_.end()) return at->second;
  const auto rule = static_cast<uint32_t>(rules_.size());
  lexemes_.emplace(digest, rule);
  rules_.push_back({"", {kNone, kNone}, std::move(lexeme)});
  return rule;
}

uint32_t ProgramBuilder::add_state() {
  if (states_.size() == kMaxStates)
    fail_with(ErrorCode::kInvalidArgument, "grammar: more than ", kMaxStates, " states (limit of a grammar)");
  states_.emplace_back();
  return static_cast<uint32_t>(states_.size() - 1);
}

void ProgramBuilder::count_edge() {
  if (++n_edges_ > kMaxEdges)
    fail_with(ErrorCode::kInvalidArgument, "grammar: more than ", kMaxEdges, " edges (limit of a grammar)");
}

void ProgramBuilder::add_bytes(uint32_t from, uint8_t low, uint8_t high, uint32_t to) {
  count_edge();
  states_[from].bytes.push_back({low, high, to});
}

void ProgramBuilder::add_call(uint32_t from, uint32_t rule, uint32_t to) {
  count_edge();
  states_[from].calls.push_back({rule, to});
}

void ProgramBuilder::add_epsilon(uint32_t from, uint32_t to) {
  count_edge();
  states_[from].epsilons.push_back(to);
}

uint32_t ProgramBuilder::add_text(uint32_t from, std::string_view text) { return add_text_to(*this, from, text); }

void ProgramBuilder::add_characters(uint32_t from, uint32_t low, uint32_t high, uint32_t to) {
  add_characters_to(*this, from, low, high, to);
}

uint32_t ProgramBuilder::add_program(const Program& program) {
  std::vector<uint32_t> rule_ids;
  for (size_t r = 0; r < program.rules.size(); ++r) {
    const uint32_t lexeme = program.lexeme_of_rule[r];
    rule_ids.push_back(lexeme == kNone ? add_rule() : add_lexeme(program.lexemes[lexeme].lexeme));
  }
  std::vector<uint32_t> ids(program.states.size(), kNone);
  const auto id_of = [&](uint32_t state) {
    if (ids[state] == kNone) ids[state] = add_state();
    return ids[state];
  };
  // A state belongs to the one rule from whose start it is reached.
  for (size_t r = 0; r < program.rules.size(); ++r) {
    if (program.lexeme_of_rule[r] != kNone) continue;
    const Ends ends = ends_of(rule_ids[r]);
    std::vector<uint32_t> work = {program.rules[r].start};
    std::vector<uint32_t> met = work;
    add_epsilon(ends.start, id_of(work.front()));
    while (!work.empty()) {
      const uint32_t at = work.back();
      work.pop_back();
      const Program::State& state = program.states[at];
      const auto meet = [&](uint32_t to) {
        if (ids[to] == kNone) work.push_back(to);
        return id_of(to);
      };
      for (uint32_t i = 0; i < state.n_bytes; ++i) {
        const Program::ByteEdge& edge = program.byte_edges[state.first_byte + i];
        add_bytes(ids[at], edge.low, edge.high, meet(edge.to));
      }
      for (uint32_t i = 0; i < state.n_calls; ++i) {
        const Program::CallEdge& edge = program.call_edges[state.first_call + i];
        add_call(ids[at], rule_ids[edge.rule], meet(edge.to));
      }
      if (state.accepts) add_epsilon(ids[at], ends.end);
    }
  }
  return rule_ids[program.root];
}

// States from which the end of their rule can be reached by texts that exist.
std::vector<uint8_t> ProgramBuilder::productive_states() const {
  struct Source {
    uint32_t state;
    uint32_t rule;  // kNone: no call
  };
  std::vector<std::vector<Source>> sources(states_.size());
  std::vector<std::vector<Source>> callers(rules_.size());  // {from, to} of the calls of a rule
  for (uint32_t s = 0; s < states_.size(); ++s) {
    for (const auto& edge : states_[s].bytes) sources[edge.to].push_back({s, kNone});
    for (const uint32_t to : states_[s].epsilons) sources[to].push_back({s, kNone});
    for (const auto& edge : states_[s].calls) {
      sources[edge.to].push_back({s, edge.rule});
      callers[edge.rule].push_back({s, edge.to});
    }
  }
  std::vector<uint32_t> rule_of_start(states_.size(), kNone);
  std::vector<uint8_t> productive(states_.size(), 0);
  std::vector<uint8_t> rule_is(rules_.size(), 0);
  std::vector<uint32_t> work;
  const auto add = [&](uint32_t state) {
    if (productive[state] != 0) return;
    productive[state] = 1;
    work.push_back(state);
  };
  for (uint32_t r = 0; r < rules_.size(); ++r) {
    if (!is_lexeme(r)) {
      rule_of_start[rules_[r].ends.start] = r;
      add(rules_[r].ends.end);
    } else if (!rules_[r].lexeme.dfa->is_empty()) {
      rule_is[r] = 1;
    }
  }
  while (!work.empty()) {
    const uint32_t state = work.back();
    work.pop_back();
    for (const Source& source : sources[state]) {
      if (source.rule == kNone || rule_is[source.rule] != 0) add(source.state);
    }
    const uint32_t rule = rule_of_start[state];
    if (rule == kNone) continue;
    rule_is[rule] = 1;
    for (const Source& call : callers[rule]) {
      if (productive[call.rule] != 0) add(call.state);
    }
  }
  return productive;
}

bool ProgramBuilder::is_productive(uint32_t rule) const {
  if (is_lexeme(rule)) return !rules_[rule].lexeme.dfa->is_empty();
  return productive_states()[rules_[rule].ends.start] != 0;
}

std::vector<uint8_t> ProgramBuilder::nullable_rules() const {
  std::vector<uint8_t> nullable(rules_.size(), 0);
  for (size_t r = 0; r < rules_.size(); ++r) {
    if (is_lexeme(r)) nullable[r] = rules_[r].lexeme.accepts(rules_[r].lexeme.start()) ? 1 : 0;
  }
  std::vector<uint32_t> seen(states_.size(), kNone);
  for (bool changed = true; changed;) {
    changed = false;
    for (uint32_t r = 0; r < rules_.size(); ++r) {
      if (nullable[r] != 0 || is_lexeme(r)) continue;
      std::vector<uint32_t> work = {rules_[r].ends.start};
      std::vector<uint32_t> met;
      while (!work.empty() && nullable[r] == 0) {
        const uint32_t state = work.back();
        work.pop_back();
        if (seen[state] != kNone) continue;
        seen[state] = r;
        met.push_back(state);
        if (state == rules_[r].ends.end) nullable[r] = 1;
        work.insert(work.end(), states_[state].epsilons.begin(), states_[state].epsilons.end());
        for (const auto& edge : states_[state].calls) {
          if (nullable[edge.rule] != 0) work.push_back(edge.to);
        }
      }
      for (const uint32_t state : met) seen[state] = kNone;
      if (nullable[r] != 0) changed = true;
    }
  }
  return nullable;
}

Program ProgramBuilder::build(uint32_t root) {
  const std::vector<uint8_t> productive = productive_states();
  const auto is_rule_productive = [&](uint32_t r) {
    return is_lexeme(r) ? !rules_[r].lexeme.dfa->is_empty() : productive[rules_[r].ends.start] != 0;
  };
  if (!is_rule_productive(root)) fail(ErrorCode::kInvalidArgument, "grammar: no text matches it");
  const std::vector<uint8_t> nullable = nullable_rules();

  // The rules that the root reaches, then the states that bytes and calls enter, without empty moves.
  std::vector<uint32_t> rule_ids(rules_.size(), kNone);
  std::vector<uint32_t> kept;
  const auto keep = [&](uint32_t rule) {
    if (rule_ids[rule] == kNone) {
      rule_ids[rule] = static_cast<uint32_t>(kept.size());
      kept.push_back(rule);
    }
    return rule_ids[rule];
  };
  keep(root);
  Flat flat;
  std::vector<uint8_t> flat_nullable;
  std::vector<uint32_t> state_ids(states_.size(), kNone);
  std::vector<uint32_t> entered;
  const auto enter = [&](uint32_t state) {
    if (state_ids[state] == kNone) {
      state_ids[state] = static_cast<uint32_t>(entered.size());
      entered.push_back(state);
      flat.states.emplace_back();
    }
    return state_ids[state];
  };
  std::vector<uint32_t> seen(states_.size(), kNone);
  size_t n_edges = 0;
  for (size_t k = 0; k < kept.size(); ++k) {
    const uint32_t rule = kept[k];
    flat_nullable.push_back(nullable[rule]);
    if (is_lexeme(rule)) {
      flat.starts.push_back(kNone);
      continue;
    }
    const size_t first = entered.size();
    flat.starts.push_back(enter(rules_[rule].ends.start));
    for (size_t i = first; i < entered.size(); ++i) {
      std::vector<uint32_t> work = {entered[i]};
      Flat::State made;
      while (!work.empty()) {
        const uint32_t state = work.back();
        work.pop_back();
        if (seen[state] == i || productive[state] == 0) continue;
        seen[state] = static_cast<uint32_t>(i);
        if (state == rules_[rule].ends.end) made.accepts = true;
        for (const auto& edge : states_[state].bytes) {
          if (productive[edge.to] != 0) made.bytes.push_back({edge.low, edge.high, enter(edge.to)});
        }
        for (const auto& edge : states_[state].calls) {
          if (productive[edge.to] != 0 && is_rule_productive(edge.rule))
            made.calls.push_back({keep(edge.rule), enter(edge.to)});
        }
        work.insert(work.end(), states_[state].epsilons.begin(), states_[state].epsilons.end());
      }
      n_edges += made.bytes.size() + made.calls.size();
      if (n_edges > kMaxEdges)
        fail_with(ErrorCode::kInvalidArgument, "grammar: more than ", kMaxEdges, " edges (limit of a grammar)");
      flat.states[i] = std::move(made);
    }
  }
  for (uint32_t r = 0; r < kept.size(); ++r) {
    if (flat.starts[r] != kNone) remove_direct_left_recursion(flat, r, flat_nullable);
  }

  Program program;
  for (const Flat::State& state : flat.states) {
    program.states.push_back({static_cast<uint32_t>(program.byte_edges.size()),
                              static_cast<uint32_t>(program.call_edges.size()),
                              static_cast<uint32_t>(state.bytes.size()), static_cast<uint32_t>(state.calls.size()),
                              state.accepts, state.accepts && state.bytes.empty() && state.calls.empty()});
    add_all(program.byte_edges, state.bytes);
    add_all(program.call_edges, state.calls);
  }
  auto next_state = static_cast<uint32_t>(program.states.size());
  for (uint32_t r = 0; r < kept.size(); ++r) {
    const bool is_one = is_lexeme(kept[r]);
    program.lexeme_of_rule.push_back(is_one ? static_cast<uint32_t>(program.lexemes.size()) : kNone);
    program.rules.push_back({flat.starts[r], flat_nullable[r] != 0, 0});
    if (!is_one) continue;
    const Lexeme& lexeme = rules_[kept[r]].lexeme;
    program.rules.back().start = next_state + lexeme.start();
    program.lexemes.push_back({lexeme, next_state});
    if (lexeme.size() > UINT32_MAX / 2 - next_state)
      fail(ErrorCode::kInvalidArgument, "grammar: the limits of its strings are too long together (limit of states)");
    next_state += lexeme.size();
  }

  // Ranks: the order of who may call whom before a byte was read, by depth first from every rule.
  std::vector<uint8_t> colour(kept.size(), 0);
  auto rank = static_cast<uint32_t>(kept.size());
  struct Frame {
    uint32_t rule;
    std::vector<uint32_t> calls;
  };
  const auto first_calls = [&](uint32_t r) {
    std::vector<uint32_t> calls;
    if (program.lexeme_of_rule[r] != kNone) return calls;
    std::vector<uint32_t> work = {program.rules[r].start};
    std::vector<uint32_t> met;
    while (!work.empty()) {
      const uint32_t at = work.back();
      work.pop_back();
      if (std::find(met.begin(), met.end(), at) != met.end()) continue;
      met.push_back(at);
      const Program::State& state = program.states[at];
      for (uint32_t i = 0; i < state.n_calls; ++i) {
        const Program::CallEdge& edge = program.call_edges[state.first_call + i];
        calls.push_back(edge.rule);
        if (flat_nullable[edge.rule] != 0) work.push_back(edge.to);
      }
    }
    std::sort(calls.begin(), calls.end());
    calls.erase(std::unique(calls.begin(), calls.end()), calls.end());
    return calls;
  };
  for (uint32_t r = 0; r < kept.size(); ++r) {
    if (colour[r] != 0) continue;
    std::vector<Frame> frames;
    frames.push_back({r, first_calls(r)});
    colour[r] = 1;
    while (!frames.empty()) {
      Frame& frame = frames.back();
      if (frame.calls.empty()) {
        colour[frame.rule] = 2;
        program.rules[frame.rule].rank = --rank;
        frames.pop_back();
        continue;
      }
      const uint32_t called = frame.calls.back();
      frame.calls.pop_back();
      if (colour[called] == 1) {
        fail_with(ErrorCode::kInvalidArgument, "grammar: rule ", rules_[kept[called]].name,
                  " begins with itself (left recursion through another rule)");
      }
      if (colour[called] == 0) {
        colour[called] = 1;
        frames.push_back({called, first_calls(called)});
      }
    }
  }
  return program;
}

}  // namespace kinglet::grammar
