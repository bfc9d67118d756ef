// A small language of regular expressions, enough for those that cut text into words. Internal to model/text.
//
// Understood: characters, \r \n \t \xHH.. as \x{HEX}, escaped punctuation, \s \S \d \p{CATEGORY} \p{Han}, [...] with
// ranges, negation and &&[...], groups ( (?:...) ), alternatives, ? * + {n} {n,m}, and looking ahead at one character:
// (?=SET), (?!SET). (?i:...) takes letters of both cases, and the long s for s, as case folding does. Patterns are part
// of the program, never of a file.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/text/pattern/char_set.h"

namespace kinglet::text {

/// One step of a machine that follows all ways at once.
struct PatternStep {
  enum class Kind : uint8_t {
    kSet,    ///< Takes a character of `set`, then goes to `next`.
    kSplit,  ///< Goes to `next`, or, if that fails, to `other`.
    kAhead,  ///< Goes to `next` where the next character is in `set`.
    kNotAhead,
    kMatch,
  };
  Kind kind = Kind::kMatch;
  uint32_t set = 0;
  uint32_t next = 0;
  uint32_t other = 0;
};

struct Pattern {
  std::vector<CharSet> sets;
  std::vector<PatternStep> steps;
  uint32_t start = 0;

  /// Fails a check where the text is no such pattern.
  static Pattern parse(std::string_view text);
};

}  // namespace kinglet::text
