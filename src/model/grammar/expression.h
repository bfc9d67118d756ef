// What GBNF and regular expressions are read into. Internal to model/grammar.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/base.h"

namespace kinglet::grammar {

/// Code points from first to last, both included.
struct CharacterRange {
  uint32_t first;
  uint32_t last;
  bool operator==(const CharacterRange&) const = default;
};

inline constexpr uint32_t kLastCharacter = 0x10FFFF;

/// Sorted, without overlaps and neighbours; surrogates are left out when they become bytes.
std::vector<CharacterRange> normal_ranges(std::vector<CharacterRange> ranges);
/// All other characters.
std::vector<CharacterRange> complement_of(const std::vector<CharacterRange>& ranges);

/// A tree of what may stand in a text.
struct Expression {
  enum class Kind : uint8_t {
    kBytes,         ///< `bytes` as they are.
    kCharacters,    ///< One of `ranges`.
    kSequence,      ///< All of `parts`, one behind the other.
    kAlternatives,  ///< One of `parts`.
    kRepeat,        ///< `parts[0]`, `least` to `most` times.
    kCall,          ///< The rule `rule`.
    kStart,         ///< Of a regular expression: the begin of the text.
    kEnd,           ///< Likewise, its end.
    kAhead,         ///< Likewise: what follows begins with `parts[0]`.
    kNotAhead,      ///< Likewise: it does not.
  };
  Kind kind = Kind::kSequence;
  std::string bytes = {};
  std::vector<CharacterRange> ranges = {};
  std::vector<Expression> parts = {};
  uint32_t least = 0;
  std::optional<uint32_t> most = {};
  uint32_t rule = 0;
};

/// Adds to an Nfa or a ProgramBuilder what leads from `from` over the expression. Returns the state behind it.
/// `call(from, rule)` adds a call and returns the state behind it; `characters(from, low, high, to)` adds characters.
template <class Automaton, class Call, class Characters>
uint32_t add_expression(Automaton& automaton, uint32_t from, const Expression& expression, const Call& call,
                        const Characters& characters) {
  const auto add = [&](uint32_t at, const Expression& part) {
    return add_expression(automaton, at, part, call, characters);
  };
  switch (expression.kind) {
    case Expression::Kind::kBytes:
      return automaton.add_text(from, expression.bytes);
    case Expression::Kind::kCharacters: {
      const uint32_t to = automaton.add_state();
      for (const CharacterRange& range : expression.ranges) characters(from, range.first, range.last, to);
      return to;
    }
    case Expression::Kind::kSequence:
      for (const Expression& part : expression.parts) from = add(from, part);
      return from;
    case Expression::Kind::kAlternatives: {
      const uint32_t to = automaton.add_state();
      for (const Expression& part : expression.parts) automaton.add_epsilon(add(from, part), to);
      return to;
    }
    case Expression::Kind::kRepeat: {
      const Expression& part = expression.parts.front();
      for (uint32_t i = 0; i < expression.least; ++i) from = add(from, part);
      if (!expression.most) {
        const uint32_t loop = automaton.add_state();
        automaton.add_epsilon(from, loop);
        automaton.add_epsilon(add(loop, part), loop);
        return loop;
      }
      const uint32_t to = automaton.add_state();
      for (uint32_t i = expression.least; i < *expression.most; ++i) {
        automaton.add_epsilon(from, to);
        from = add(from, part);
      }
      automaton.add_epsilon(from, to);
      return to;
    }
    case Expression::Kind::kCall:
      return call(from, expression.rule);
    default:
      break;
  }
  fail(ErrorCode::kInternal, "grammar: an anchor where none is read");
}

}  // namespace kinglet::grammar
