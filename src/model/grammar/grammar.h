// Facade of model/grammar: which tokens may follow, so that an answer is valid by construction.
//
// TokenTrie (token_trie.h) is made once for a vocabulary. Grammar is a compiled set of texts, made of GBNF, a regular
// expression, choices, a JSON Schema, or of other grammars. Matcher (matcher.h) is the state of one sequence over both:
// mask() before a token is drawn, accept() after. TokenTrie and Grammar are constant and may be used by any number of
// threads; a Matcher belongs to one thread at a time.
//
// How it works: rules are automata over bytes (program.h) that are read by Earley's algorithm (readings.h). What a JSON
// string, a number or a pattern allows of a vocabulary is found by one walk over the trie for each state of its
// automaton (dfa.h), kept with the trie and shared by all grammars; what may stand behind it is walked for each
// position. docs/ structured-output.md says what of JSON Schema is supported.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "home/system/json.h"
#include "model/grammar/token_trie.h"

namespace kinglet::grammar {

struct Program;
class SharedReadings;

/// White space between the parts of a JSON text.
enum class Whitespace : uint8_t {
  kNone,  ///< Compact.
  kSome,  ///< A space or two, or a line break and an indent of at most 40: a model cannot dwell on it.
  kAny,   ///< As JSON says.
};

struct JsonOptions {
  bool object_only = false;  ///< The text is an object.
  Whitespace whitespace = Whitespace::kSome;
};

struct SchemaOptions {
  Whitespace whitespace = Whitespace::kSome;
  bool checks_formats = true;  ///< Formats that are known are enforced; else they only describe.
};

struct GbnfOptions {
  /// The token of a name, for `<name>` in a grammar; without it only `<[id]>` is known.
  std::function<std::optional<int32_t>(std::string_view)> token_of = {};
  std::string root = "root";
};

/// Whether a value satisfies a schema: nothing where it does, else where it breaks which keyword, both as JSON
/// pointers. Throws Error{kUnsupported} for a keyword that is not known how to check (named).
std::optional<std::string> validate(const system::Json& schema, const system::Json& value,
                                    const SchemaOptions& options = {});

/// A set of texts, compiled. Constant; a copy shares it.
class Grammar {
 public:
  /// In the language of llama.cpp's grammars: rules, literals, classes, groups, ? * + {m,n}, control tokens `<[id]>`.
  /// Throws Error{kInvalidArgument} "gbnf: line L: ..." for text that is no grammar, and over a limit (named).
  static Grammar from_gbnf(std::string_view text, const GbnfOptions& options = {});
  /// Texts that the pattern (of ECMA-262) matches from begin to end. Throws Error{kInvalidArgument} or kUnsupported as
  /// regex.h says.
  static Grammar from_regex(std::string_view pattern);
  /// The JSON texts of all values that satisfy a schema of draft 4 to 2020-12, members in the order in which the schema
  /// names them, those it does not name last. Throws Error{kUnsupported} for a keyword that cannot be enforced (named
  /// by its pointer), kInvalidArgument for what is no schema, for one that no value satisfies, and over a limit
  /// (named). `to_check`: where it is not null such keywords are passed over and their pointers added to it; the text
  /// is then to be checked by validate().
  static Grammar from_schema(const system::Json& schema, const SchemaOptions& options = {},
                             std::vector<std::string>* to_check = nullptr);
  /// Exactly one of the texts.
  static Grammar from_choices(std::span<const std::string> choices);
  static Grammar any_json(const JsonOptions& options = {});

  /// Exactly this text.
  static Grammar literal(std::string_view text);
  /// Exactly this control token.
  static Grammar token(int32_t id);
  /// Any UTF-8 text, control tokens apart, in which none of `stops` stands.
  static Grammar text_without(std::span<const std::string> stops);
  /// Any such text up to the first `literal`, and the literal: what triggers the rest.
  static Grammar text_until(std::string_view literal);
  /// One behind the other; none: the empty text.
  static Grammar sequence(std::span<const Grammar> parts);
  static Grammar alternatives(std::span<const Grammar> parts);
  /// `most` times at most, without end where it is none.
  static Grammar repeated(const Grammar& part, uint32_t least, std::optional<uint32_t> most);

  explicit Grammar(Program program);
  [[nodiscard]] const Program& program() const noexcept { return *program_; }

 private:
  friend class Matcher;
  /// The readings that all sequences of this grammar over one vocabulary share.
  [[nodiscard]] std::shared_ptr<SharedReadings> readings_of(const std::shared_ptr<const TokenTrie>& trie) const;

  struct Shared;
  std::shared_ptr<const Program> program_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace kinglet::grammar
