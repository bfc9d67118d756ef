// Regular expressions as JSON Schema uses them (ECMA-262), as sets of texts. Internal to model/grammar.
//
// Supported: characters, ., classes with \d \w \s and their opposites, \p of general categories, groups of all kinds,
// | * + ? {m,n} (lazy or not: the set is the same), ^ and $ anywhere, lookahead outside of repetition. Refused by name:
// back references, lookbehind, \b, other properties.
#pragma once

#include <string_view>

#include "model/grammar/dfa.h"
#include "model/grammar/expression.h"

namespace kinglet::grammar {

/// How characters are written in the set.
enum class Spelling : uint8_t {
  kText,        ///< As UTF-8.
  kJsonString,  ///< As between the quotes of a JSON string, in the spelling of plain_string_content.
};

/// Adds characters in a spelling.
void add_spelled(Nfa& nfa, uint32_t from, CharacterRange range, Spelling spelling, uint32_t to);
/// All texts.
const Dfa& all_texts(Spelling spelling);
/// Texts of `least` to `most` characters. Throws Error{kInvalidArgument} over the limit of states.
Dfa texts_of_length(uint32_t least, uint32_t most, Spelling spelling);

/// Texts in which the pattern matches somewhere; with `whole` those that it matches from begin to end. Throws
/// Error{kInvalidArgument} "regex: at N: ..." for what is none, kUnsupported for what is named above, kInvalidArgument
/// over a limit (named).
Dfa texts_matching(std::string_view pattern, Spelling spelling, bool whole = false);

}  // namespace kinglet::grammar
