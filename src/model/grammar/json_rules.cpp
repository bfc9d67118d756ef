#include "model/grammar/json_rules.h"

#include "core/base/base.h"
#include "model/grammar/regex.h"

namespace kinglet::grammar {
namespace {

void add_each(Nfa& nfa, uint32_t from, std::string_view bytes, uint32_t to) {
  for (const char c : bytes) nfa.add_bytes(from, static_cast<uint8_t>(c), static_cast<uint8_t>(c), to);
}

void add_hex(Nfa& nfa, uint32_t from, uint32_t to) {
  nfa.add_bytes(from, '0', '9', to);
  nfa.add_bytes(from, 'a', 'f', to);
  nfa.add_bytes(from, 'A', 'F', to);
}

void add_unescaped(Nfa& nfa, uint32_t from, uint32_t to) {
  nfa.add_bytes(from, 0x20, 0x21, to);
  nfa.add_bytes(from, 0x23, 0x5B, to);
  nfa.add_bytes(from, 0x5D, 0x7F, to);
  nfa.add_characters(from, 0x80, 0x10FFFF, to);
}

// \uXXXX: behind the u, a character or two surrogates.
void add_escaped_number(Nfa& nfa, uint32_t from, uint32_t to) {
  const uint32_t second = nfa.add_state();
  const uint32_t third = nfa.add_state();
  const uint32_t fourth = nfa.add_state();
  nfa.add_bytes(from, '0', '9', second);
  add_each(nfa, from, "abcefABCEF", second);
  add_hex(nfa, second, third);
  add_hex(nfa, third, fourth);
  add_hex(nfa, fourth, to);
  const uint32_t surrogate = nfa.add_state();
  add_each(nfa, from, "dD", surrogate);
  nfa.add_bytes(surrogate, '0', '7', third);
  const uint32_t high = nfa.add_state();
  add_each(nfa, surrogate, "89abAB", high);
  const uint32_t high_third = nfa.add_state();
  const uint32_t high_end = nfa.add_state();
  add_hex(nfa, high, high_third);
  add_hex(nfa, high_third, high_end);
  const uint32_t low = nfa.add_text(high_end, "\\u");
  const uint32_t low_second = nfa.add_state();
  const uint32_t low_third = nfa.add_state();
  const uint32_t low_fourth = nfa.add_state();
  add_each(nfa, low, "dD", low_second);
  add_each(nfa, low_second, "cdefCDEF", low_third);
  add_hex(nfa, low_third, low_fourth);
  add_hex(nfa, low_fourth, to);
}

Dfa make_strings() {
  Nfa nfa;
  const uint32_t start = nfa.add_state();
  const uint32_t body = nfa.add_text(start, "\"");
  add_unescaped(nfa, body, body);
  const uint32_t escape = nfa.add_text(body, "\\");
  add_each(nfa, escape, "\"\\/bfnrt", body);
  add_escaped_number(nfa, nfa.add_text(escape, "u"), body);
  return nfa.determinized(start, nfa.add_text(body, "\""));
}

Dfa make_plain_contents() {
  Nfa nfa;
  const uint32_t body = nfa.add_state();
  add_unescaped(nfa, body, body);
  for (char c = 0; c < 0x20; ++c) nfa.add_epsilon(nfa.add_text(body, plain_string_content({&c, 1})), body);
  nfa.add_epsilon(nfa.add_text(body, "\\\""), body);
  nfa.add_epsilon(nfa.add_text(body, "\\\\"), body);
  return nfa.determinized(body, body);
}

// Readers of JSON hold numbers as doubles, and some refuse what does not fit: exponents have two digits, and the digits
// before the point end before that range does. It also ends the digits of a model that cannot stop.
Dfa make_numbers(bool whole_only) {
  constexpr std::string_view kWhole = R"((?:-?[1-9]\d{0,99}|-?0))";
  constexpr std::string_view kRest = R"((?:\.\d{1,100})?(?:[eE][+-]?\d{1,2})?)";
  return texts_matching(whole_only ? R"(0|-?[1-9]\d{0,99})" : str(kWhole, kRest), Spelling::kText, true);
}

Dfa make_space(Whitespace kind) {
  Nfa nfa;
  const uint32_t start = nfa.add_state();
  if (kind == Whitespace::kNone) return nfa.determinized(start, start);
  if (kind == Whitespace::kAny) {
    add_each(nfa, start, " \t\r\n", start);
    return nfa.determinized(start, start);
  }
  const uint32_t end = nfa.add_state();
  const uint32_t one = nfa.add_text(start, " ");
  nfa.add_epsilon(start, end);
  nfa.add_epsilon(one, end);
  nfa.add_epsilon(nfa.add_text(one, " "), end);
  uint32_t indent = nfa.add_text(start, "\n");
  nfa.add_epsilon(nfa.add_text(start, "\r\n"), indent);
  constexpr int kMaxIndent = 40;
  for (int i = 0; i < kMaxIndent; ++i) {
    nfa.add_epsilon(indent, end);
    const uint32_t next = nfa.add_state();
    add_each(nfa, indent, " \t", next);
    indent = next;
  }
  nfa.add_epsilon(indent, end);
  return nfa.determinized(start, end);
}

}  // namespace

std::shared_ptr<const Dfa> json_strings() {
  static const auto dfa = std::make_shared<const Dfa>(make_strings());
  return dfa;
}

std::shared_ptr<const Dfa> plain_string_contents() {
  static const auto dfa = std::make_shared<const Dfa>(make_plain_contents());
  return dfa;
}

std::shared_ptr<const Dfa> plain_strings() {
  static const auto dfa = [] {
    Nfa nfa;
    const uint32_t start = nfa.add_state();
    const uint32_t behind = nfa.add_state();
    nfa.add_dfa(nfa.add_text(start, "\""), *plain_string_contents(), behind);
    return std::make_shared<const Dfa>(nfa.determinized(start, nfa.add_text(behind, "\"")));
  }();
  return dfa;
}

std::shared_ptr<const Dfa> json_numbers() {
  static const auto dfa = std::make_shared<const Dfa>(make_numbers(false));
  return dfa;
}

std::shared_ptr<const Dfa> json_integers() {
  static const auto dfa = std::make_shared<const Dfa>(make_numbers(true));
  return dfa;
}

std::shared_ptr<const Dfa> white_space(Whitespace kind) {
  static const auto none = std::make_shared<const Dfa>(make_space(Whitespace::kNone));
  static const auto some = std::make_shared<const Dfa>(make_space(Whitespace::kSome));
  static const auto any = std::make_shared<const Dfa>(make_space(Whitespace::kAny));
  return kind == Whitespace::kNone ? none : kind == Whitespace::kSome ? some : any;
}

std::string plain_string_content(std::string_view text) {
  const std::string quoted = system::json_quoted(text);
  return quoted.substr(1, quoted.size() - 2);
}

uint32_t JsonRules::add_space(uint32_t from) {
  if (whitespace_ == Whitespace::kNone) return from;
  return builder_.add_call(from, builder_.add_lexeme(white_space(whitespace_)));
}

uint32_t JsonRules::value() {
  if (value_) return *value_;
  value_ = builder_.add_rule("value");
  const auto [start, end] = builder_.ends_of(*value_);
  for (const uint32_t rule : {string(), number(), object(), array()}) builder_.add_call(start, rule, end);
  for (const std::string_view word : {"true", "false", "null"})
    builder_.add_epsilon(builder_.add_text(start, word), end);
  return *value_;
}

uint32_t JsonRules::object() {
  if (object_) return *object_;
  object_ = builder_.add_rule("object");
  const auto [start, end] = builder_.ends_of(*object_);
  const uint32_t first = add_sign(start, "{");
  const uint32_t last = builder_.add_state();
  builder_.add_epsilon(first, last);
  const auto add_member = [&](uint32_t from) {
    const uint32_t colon = add_space(builder_.add_call(from, string()));
    return add_space(builder_.add_call(add_sign(colon, ":"), value()));
  };
  const uint32_t behind = add_member(first);
  builder_.add_epsilon(behind, last);
  builder_.add_epsilon(add_member(add_sign(behind, ",")), behind);
  builder_.add_epsilon(builder_.add_text(last, "}"), end);
  return *object_;
}

uint32_t JsonRules::array() {
  if (array_) return *array_;
  array_ = builder_.add_rule("array");
  const auto [start, end] = builder_.ends_of(*array_);
  const uint32_t first = add_sign(start, "[");
  const uint32_t last = builder_.add_state();
  builder_.add_epsilon(first, last);
  const uint32_t behind = add_space(builder_.add_call(first, value()));
  builder_.add_epsilon(behind, last);
  builder_.add_epsilon(add_space(builder_.add_call(add_sign(behind, ","), value())), behind);
  builder_.add_epsilon(builder_.add_text(last, "]"), end);
  return *array_;
}

}  // namespace kinglet::grammar
