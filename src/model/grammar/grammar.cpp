#include "model/grammar/grammar.h"

#include <algorithm>

#include "core/base/base.h"
#include "model/grammar/gbnf.h"
#include "model/grammar/json_rules.h"
#include "model/grammar/program.h"
#include "model/grammar/regex.h"
#include "model/grammar/schema/compiler.h"
#include "model/grammar/schema/validator.h"
#include "model/grammar/shared_readings.h"
#include "model/text/utf8.h"

namespace kinglet::grammar {
namespace {

Program program_of(const Dfa& dfa) {
  ProgramBuilder builder;
  return builder.build(builder.add_lexeme(dfa));
}

// Texts in which none of `stops` stands: the automaton of Aho and Corasick, in which nothing leads into a stop.
// Characters are whole, so a state between two is also within the bytes of one.
Dfa texts_without(std::span<const std::string> stops) {
  Nfa with_stop;
  const uint32_t start = with_stop.add_state();
  with_stop.add_bytes(start, 0, 0xFE, start);
  const uint32_t end = with_stop.add_state();
  for (const std::string& stop : stops) with_stop.add_epsilon(with_stop.add_text(start, stop), end);
  with_stop.add_bytes(end, 0, 0xFE, end);
  Nfa any;
  const uint32_t from = any.add_state();
  any.add_characters(from, 0, 0x10FFFF, from);
  return Dfa::difference(any.determinized(from, from), with_stop.determinized(start, end));
}

void check_stop(std::string_view stop) {
  if (stop.empty() || text::find_invalid_utf8(stop) != std::string_view::npos)
    fail(ErrorCode::kInvalidArgument, "grammar: what ends a text is empty or no UTF-8");
}

}  // namespace

struct Grammar::Shared {
  std::mutex mutex;
  std::vector<std::pair<std::weak_ptr<const TokenTrie>, std::shared_ptr<SharedReadings>>> readings;
};

Grammar::Grammar(Program program)
    : program_(std::make_shared<const Program>(std::move(program))), shared_(std::make_shared<Shared>()) {}

Grammar Grammar::from_gbnf(std::string_view text, const GbnfOptions& options) {
  return Grammar(read_gbnf(text, options));
}

Grammar Grammar::from_regex(std::string_view pattern) {
  return Grammar(program_of(texts_matching(pattern, Spelling::kText, true)));
}

Grammar Grammar::from_schema(const system::Json& schema, const SchemaOptions& options,
                             std::vector<std::string>* to_check) {
  std::set<std::string> pointers;
  Grammar grammar(compile_schema(schema, options, to_check == nullptr ? nullptr : &pointers));
  if (to_check != nullptr) to_check->insert(to_check->end(), pointers.begin(), pointers.end());
  return grammar;
}

std::optional<std::string> validate(const system::Json& schema, const system::Json& value,
                                    const SchemaOptions& options) {
  const SchemaDocument document(schema);
  Validator validator(document, options.checks_formats);
  return validator.accepts(schema, value) ? std::nullopt : std::optional(validator.failure());
}

Grammar Grammar::from_choices(std::span<const std::string> choices) {
  if (choices.empty()) fail(ErrorCode::kInvalidArgument, "grammar: no choices");
  return Grammar(program_of(Dfa::of_texts({choices.begin(), choices.end()})));
}

Grammar Grammar::any_json(const JsonOptions& options) {
  ProgramBuilder builder;
  JsonRules rules(builder, options.whitespace);
  const uint32_t inner = options.object_only ? rules.object() : rules.value();
  if (options.whitespace != Whitespace::kAny) return Grammar(builder.build(inner));
  const uint32_t root = builder.add_rule("root");
  const auto [start, end] = builder.ends_of(root);
  builder.add_epsilon(rules.add_space(builder.add_call(rules.add_space(start), inner)), end);
  return Grammar(builder.build(root));
}

Grammar Grammar::literal(std::string_view text) {
  ProgramBuilder builder;
  const uint32_t root = builder.add_rule("literal");
  const auto [start, end] = builder.ends_of(root);
  builder.add_epsilon(builder.add_text(start, text), end);
  return Grammar(builder.build(root));
}

Grammar Grammar::token(int32_t id) {
  if (id < 0 || static_cast<size_t>(id) >= TokenTrie::kMaxTokens)
    fail_with(ErrorCode::kInvalidArgument, "grammar: token ", id, " is in no vocabulary");
  return literal(TokenTrie::control_spelling(id));
}

Grammar Grammar::text_without(std::span<const std::string> stops) {
  for (const std::string& stop : stops) check_stop(stop);
  return Grammar(program_of(texts_without(stops)));
}

Grammar Grammar::text_until(std::string_view literal) {
  check_stop(literal);
  // Everything whose only stop is at its end: texts with the stop, none of whose beginnings has it.
  const std::string stop(literal);
  Nfa nfa;
  const uint32_t start = nfa.add_state();
  nfa.add_characters(start, 0, 0x10FFFF, start);
  const Dfa ending = nfa.determinized(start, nfa.add_text(start, stop));
  Nfa longer;
  const uint32_t begin = longer.add_state();
  longer.add_bytes(begin, 0, 0xFE, begin);
  const uint32_t behind = longer.add_text(begin, stop);
  const uint32_t end = longer.add_state();
  longer.add_bytes(behind, 0, 0xFE, end);
  longer.add_bytes(end, 0, 0xFE, end);
  return Grammar(program_of(Dfa::difference(ending, longer.determinized(begin, end))));
}

Grammar Grammar::sequence(std::span<const Grammar> parts) {
  ProgramBuilder builder;
  const uint32_t root = builder.add_rule("sequence");
  const auto [start, end] = builder.ends_of(root);
  uint32_t at = start;
  for (const Grammar& part : parts) at = builder.add_call(at, builder.add_program(part.program()));
  builder.add_epsilon(at, end);
  return Grammar(builder.build(root));
}

Grammar Grammar::alternatives(std::span<const Grammar> parts) {
  if (parts.empty()) fail(ErrorCode::kInvalidArgument, "grammar: no alternatives");
  ProgramBuilder builder;
  const uint32_t root = builder.add_rule("alternatives");
  const auto [start, end] = builder.ends_of(root);
  for (const Grammar& part : parts) builder.add_call(start, builder.add_program(part.program()), end);
  return Grammar(builder.build(root));
}

Grammar Grammar::repeated(const Grammar& part, uint32_t least, std::optional<uint32_t> most) {
  if (most && *most < least)
    fail_with(ErrorCode::kInvalidArgument, "grammar: repeated ", least, " to ", *most, " times");
  ProgramBuilder builder;
  const uint32_t rule = builder.add_program(part.program());
  const uint32_t root = builder.add_rule("repeated");
  const auto [start, end] = builder.ends_of(root);
  uint32_t at = start;
  for (uint32_t i = 0; i < least; ++i) at = builder.add_call(at, rule);
  if (most) {
    for (uint32_t i = least; i < *most; ++i) {
      builder.add_epsilon(at, end);
      at = builder.add_call(at, rule);
    }
  } else {
    const uint32_t loop = builder.add_state();
    builder.add_epsilon(at, loop);
    builder.add_call(loop, rule, loop);
    at = loop;
  }
  builder.add_epsilon(at, end);
  return Grammar(builder.build(root));
}

std::shared_ptr<SharedReadings> Grammar::readings_of(const std::shared_ptr<const TokenTrie>& trie) const {
  const std::lock_guard lock(shared_->mutex);
  auto& all = shared_->readings;
  std::erase_if(all, [](const auto& entry) { return entry.first.expired(); });
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& entry) { return entry.first.lock() == trie; });
  std::shared_ptr<SharedReadings>& readings = at != all.end() ? at->second : all.emplace_back(trie, nullptr).second;
  bool is_full = readings == nullptr;
  if (!is_full) {
    const std::lock_guard readings_lock(readings->mutex);
    is_full = readings->readings.is_full();
  }
  if (is_full) readings = std::make_shared<SharedReadings>(program_);
  return readings;
}

}  // namespace kinglet::grammar
