// A compiled grammar: rules as automata over bytes that call each other. Internal to model/grammar, but for its limits.
//
// A rule is either a nondeterministic automaton whose edges are bytes or calls of other rules, without empty moves, or
// a lexeme: a Dfa that calls nothing. Every state can reach the end of its rule by texts that exist, and no rule calls
// itself before a byte was read, so what may follow is always known after finitely many steps.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/grammar/lexeme.h"

namespace kinglet::grammar {

struct Program {
  struct ByteEdge {
    uint8_t low;
    uint8_t high;
    uint32_t to;
  };
  struct CallEdge {
    uint32_t rule;
    uint32_t to;
  };
  struct State {
    uint32_t first_byte;
    uint32_t first_call;
    uint32_t n_bytes;
    uint32_t n_calls;
    bool accepts;
    bool is_last;  ///< Accepts and leads nowhere.
  };
  struct Rule {
    uint32_t start;  ///< A state, of a lexeme numbered from first_lexeme_state.
    bool nullable;
    uint32_t rank;  ///< A rule that another one may call before a byte was read has the higher rank.
  };
  struct LexemeRule {
    Lexeme lexeme;
    uint32_t first_state;  ///< Its state s is numbered first_state + s.
  };

  std::vector<State> states;
  std::vector<ByteEdge> byte_edges;
  std::vector<CallEdge> call_edges;
  std::vector<Rule> rules;
  std::vector<LexemeRule> lexemes;       ///< By first_state, which begin behind the last of `states`.
  std::vector<uint32_t> lexeme_of_rule;  ///< UINT32_MAX: no lexeme.
  uint32_t root = 0;

  [[nodiscard]] bool is_lexeme_state(uint32_t state) const noexcept { return state >= states.size(); }
  [[nodiscard]] const LexemeRule& lexeme_of(uint32_t state) const noexcept;
};

/// Collects rules, then makes a Program of them. A rule is begun by add_rule and is the set of texts that lead from its
/// start to its end; states are its own, edges may only join states of one rule.
class ProgramBuilder {
 public:
  static constexpr size_t kMaxStates = 1'000'000;
  static constexpr size_t kMaxEdges = 4'000'000;

  struct Ends {
    uint32_t start;
    uint32_t end;
  };

  /// `name`: for messages.
  uint32_t add_rule(std::string name = {});
  [[nodiscard]] Ends ends_of(uint32_t rule) const { return rules_[rule].ends; }
  /// A rule of exactly these texts; the same rule for equal sets.
  uint32_t add_lexeme(Lexeme lexeme);
  uint32_t add_lexeme(std::shared_ptr<const Dfa> dfa) { return add_lexeme(Lexeme{std::move(dfa)}); }
  uint32_t add_lexeme(const Dfa& dfa) { return add_lexeme(std::make_shared<const Dfa>(dfa)); }
  /// Takes over the rules of another program. Returns its root.
  uint32_t add_program(const Program& program);

  uint32_t add_state();
  void add_bytes(uint32_t from, uint8_t low, uint8_t high, uint32_t to);
  void add_call(uint32_t from, uint32_t rule, uint32_t to);
  void add_epsilon(uint32_t from, uint32_t to);
  /// Returns the state behind the text.
  uint32_t add_text(uint32_t from, std::string_view text);
  /// Returns the state behind the rule.
  uint32_t add_call(uint32_t from, uint32_t rule) {
    const uint32_t to = add_state();
    add_call(from, rule, to);
    return to;
  }
  void add_characters(uint32_t from, uint32_t low, uint32_t high, uint32_t to);
  [[nodiscard]] size_t n_states() const noexcept { return states_.size(); }

  /// Whether any text ends the rule, by what was added so far.
  [[nodiscard]] bool is_productive(uint32_t rule) const;

  /// Throws Error{kInvalidArgument} over the limits, for a rule that begins with itself through another one (named),
  /// and where no text at all matches.
  [[nodiscard]] Program build(uint32_t root);

 private:
  struct State {
    std::vector<Program::ByteEdge> bytes;
    std::vector<Program::CallEdge> calls;
    std::vector<uint32_t> epsilons;
  };
  struct Rule {
    std::string name;
    Ends ends;
    Lexeme lexeme;  // its dfa is null where it is none
  };

  void count_edge();
  [[nodiscard]] bool is_lexeme(size_t rule) const { return rules_[rule].lexeme.dfa != nullptr; }
  [[nodiscard]] std::vector<uint8_t> productive_states() const;
  [[nodiscard]] std::vector<uint8_t> nullable_rules() const;

  std::vector<State> states_;
  std::vector<Rule> rules_;
  std::unordered_multimap<uint64_t, uint32_t> lexemes_;
  size_t n_edges_ = 0;
};

}  // namespace kinglet::grammar
