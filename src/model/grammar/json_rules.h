// The parts of JSON texts, as sets of texts and as rules. Internal to model/grammar.
#pragma once

#include <memory>

#include "model/grammar/grammar.h"
#include "model/grammar/program.h"

namespace kinglet::grammar {

/// All JSON strings, with their quotes. Lone surrogates are none.
std::shared_ptr<const Dfa> json_strings();
/// What stands between the quotes of strings in the one spelling that each has: escapes only where JSON asks for one,
/// the short one where there is one, else \u00xx in small letters.
std::shared_ptr<const Dfa> plain_string_contents();
/// Those contents between quotes.
std::shared_ptr<const Dfa> plain_strings();
/// All numbers of at most 100 digits before and behind the point, with an exponent of at most two.
std::shared_ptr<const Dfa> json_numbers();
/// Those without fraction and exponent, and without a minus before zero.
std::shared_ptr<const Dfa> json_integers();
std::shared_ptr<const Dfa> white_space(Whitespace kind);

/// The text between the quotes of a string in that one spelling; `text` is UTF-8.
std::string plain_string_content(std::string_view text);

/// The rules of any JSON value, added to a builder when they are asked for.
class JsonRules {
 public:
  JsonRules(ProgramBuilder& builder, Whitespace whitespace) : builder_(builder), whitespace_(whitespace) {}

  uint32_t string() { return builder_.add_lexeme(json_strings()); }
  uint32_t number() { return builder_.add_lexeme(json_numbers()); }
  uint32_t value();
  uint32_t object();
  uint32_t array();
  /// Returns the state behind the white space that may stand there.
  uint32_t add_space(uint32_t from);
  /// The text (a sign of JSON's) with the white space that may stand behind it.
  uint32_t add_sign(uint32_t from, std::string_view sign) { return add_space(builder_.add_text(from, sign)); }

 private:
  ProgramBuilder& builder_;
  Whitespace whitespace_;
  std::optional<uint32_t> value_;
  std::optional<uint32_t> object_;
  std::optional<uint32_t> array_;
};

}  // namespace kinglet::grammar
