#include "model/grammar/gbnf.h"

#include <algorithm>
#include <map>
#include <optional>

#include "core/base/base.h"
#include "model/grammar/expression.h"
#include "model/grammar/hex_digit.h"
#include "model/grammar/token_trie.h"
#include "model/text/utf8.h"

namespace kinglet::grammar {
namespace {

constexpr int kMaxNesting = 200;
constexpr uint32_t kMaxTimes = 100'000;
// Rules that call nothing but such rules become one automaton each, as long as that takes no more than this.
constexpr size_t kMaxLexemeStates = 4'000;

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

struct Rule {
  std::string name;
  std::optional<Expression> expression;
  size_t first_use;  // where in the text
};

class Reader {
 public:
  Reader(std::string_view text, const GbnfOptions& options) : text_(text), options_(options) {}

  std::vector<Rule> read() {
    if (const size_t bad = text::find_invalid_utf8(text_); bad != std::string_view::npos) {
      at_ = bad;
      fail_here("is no UTF-8");
    }
    skip_space(true);
    while (at_ < text_.size()) read_rule();
    for (const Rule& rule : rules_) {
      if (rule.expression) continue;
      at_ = rule.first_use;
      fail_here(str("rule ", rule.name, " is not defined"));
    }
    return std::move(rules_);
  }

 private:
  [[noreturn]] void fail_here(std::string_view what) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
    fail_with(ErrorCode::kInvalidArgument, "gbnf: line ", line, ": ", what);
  }
  [[nodiscard]] char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void skip_space(bool lines_too) {
    while (at_ < text_.size()) {
      if (peek() == '#') {
        while (at_ < text_.size() && peek() != '\n' && peek() != '\r') ++at_;
      } else if (peek() == ' ' || peek() == '\t' || (lines_too && (peek() == '\n' || peek() == '\r'))) {
        ++at_;
      } else {
        return;
      }
    }
  }
  std::string read_name() {
    const size_t from = at_;
    while (at_ < text_.size() && is_name(peek())) ++at_;
    if (at_ == from) fail_here("a name is expected");
    return std::string(text_.substr(from, at_ - from));
  }
  uint32_t id_of(const std::string& name, size_t use) {
    const auto [at, is_new] = ids_.emplace(name, static_cast<uint32_t>(rules_.size()));
    if (is_new) rules_.push_back({name, {}, use});
    return at->second;
  }

  void read_rule() {
    const size_t from = at_;
    const std::string name = read_name();
    skip_space(false);
    if (!take("::=")) fail_here(str("::= is expected behind rule name ", name));
    skip_space(true);
    Expression expression = read_alternatives(0);
    const uint32_t id = id_of(name, from);
    rules_[id].expression = std::move(expression);
    if (at_ < text_.size() && peek() != '\n' && peek() != '\r') fail_here("the end of a rule is expected");
    skip_space(true);
  }

  Expression read_alternatives(int depth) {
    if (depth > kMaxNesting) fail_here(str("groups nest deeper than ", kMaxNesting, " (limit of nesting)"));
    Expression all{.kind = Expression::Kind::kAlternatives};
    all.parts.push_back(read_sequence(depth));
    while (peek() == '|') {
      ++at_;
      skip_space(true);
      all.parts.push_back(read_sequence(depth));
    }
    return all.parts.size() == 1 ? std::move(all.parts.front()) : std::move(all);
  }

  Expression read_sequence(int depth) {
    Expression sequence{.kind = Expression::Kind::kSequence};
    while (at_ < text_.size()) {
      const char c = peek();
      if (c == '"') {
        sequence.parts.push_back(read_literal());
      } else if (c == '[') {
        sequence.parts.push_back(read_class());
      } else if (c == '.') {
        ++at_;
        sequence.parts.push_back({.kind = Expression::Kind::kCharacters, .ranges = {{0, kLastCharacter}}});
      } else if (c == '(') {
        ++at_;
        skip_space(true);
        Expression group = read_alternatives(depth + 1);
        if (peek() != ')') fail_here(") is expected");
        ++at_;
        sequence.parts.push_back(std::move(group));
      } else if (c == '<') {
        sequence.parts.push_back(read_token());
      } else if (c == '!') {
        fail_here("!<token> is not supported");
      } else if (is_name(c)) {
        const size_t from = at_;
        const uint32_t rule = id_of(read_name(), from);
        sequence.parts.push_back({.kind = Expression::Kind::kCall, .rule = rule});
      } else if (c == '*' || c == '+' || c == '?' || c == '{') {
        if (sequence.parts.empty()) fail_here(str("something is expected before ", c));
        read_times(sequence.parts.back());
      } else {
        break;
      }
      skip_space(depth > 0);
    }
    return sequence;
  }

  void read_times(Expression& part) {
    Expression repeat{.kind = Expression::Kind::kRepeat};
    const char c = peek();
    ++at_;
    if (c == '+') repeat.least = 1;
    if (c == '?') repeat.most = 1;
    if (c == '{') {
      skip_space(true);
      repeat.least = read_number();
      skip_space(true);
      repeat.most = repeat.least;
      if (peek() == ',') {
        ++at_;
        skip_space(true);
        repeat.most = peek() == '}' ? std::nullopt : std::optional(read_number());
        skip_space(true);
      }
      if (peek() != '}') fail_here("} is expected");
      ++at_;
      if (repeat.most && *repeat.most < repeat.least) fail_here("a count ends below its begin");
    }
    repeat.parts.push_back(std::move(part));
    part = std::move(repeat);
  }

  uint32_t read_number() {
    const size_t from = at_;
    uint32_t value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = value * 10 + static_cast<uint32_t>(peek() - '0');
      if (value > kMaxTimes) fail_here(str("a count over ", kMaxTimes, " (limit of repetition)"));
      ++at_;
    }
    if (at_ == from) fail_here("a number is expected");
    return value;
  }

  uint32_t read_hex(size_t n) {
    uint32_t value = 0;
    for (size_t i = 0; i < n; ++i, ++at_) {
      const int digit = hex_digit(peek());
      if (digit < 0) fail_here(str(n, " hexadecimal digits are expected"));
      value = value * 16 + static_cast<uint32_t>(digit);
    }
    if (value > kLastCharacter || (value >= 0xD800 && value <= 0xDFFF)) fail_here("an escape that is no character");
    return value;
  }

  uint32_t read_character() {
    if (at_ >= text_.size()) fail_here("ends within a text or class");
    if (peek() != '\\') {
      const text::CodePoint point = text::code_point_at(text_, at_);
      at_ += point.length;
      return point.value;
    }
    const char c = peek(1);
    at_ += 2;
    switch (c) {
      case 'x':
        return read_hex(2);
      case 'u':
        return read_hex(4);
      case 'U':
        return read_hex(8);
      case 't':
        return '\t';
      case 'r':
        return '\r';
      case 'n':
        return '\n';
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-':
      case '^':
        return static_cast<uint32_t>(c);
      default:
        fail_here("an escape that is not known");
    }
  }

  Expression read_literal() {
    ++at_;
    Expression literal{.kind = Expression::Kind::kBytes};
    while (peek() != '"' || at_ >= text_.size()) text::append_utf8(literal.bytes, read_character());
    ++at_;
    return literal;
  }

  Expression read_class() {
    ++at_;
    const bool is_negated = take("^");
    std::vector<CharacterRange> ranges;
    while (peek() != ']' || at_ >= text_.size()) {
      const uint32_t first = read_character();
      uint32_t last = first;
      if (peek() == '-' && peek(1) != ']') {
        ++at_;
        last = read_character();
      }
      if (last < first) fail_here("a range ends below its begin");
      ranges.push_back({first, last});
    }
    ++at_;
    return {.kind = Expression::Kind::kCharacters,
            .ranges = is_negated ? complement_of(ranges) : normal_ranges(std::move(ranges))};
  }

  Expression read_token() {
    ++at_;
    const size_t end = text_.find('>', at_);
    if (end == std::string_view::npos) fail_here("> is expected");
    std::string_view name = text_.substr(at_, end - at_);
    std::optional<int32_t> id;
    if (name.starts_with('[') && name.ends_with(']')) {
      ++at_;
      const uint32_t value = peek() == ']' ? 0 : read_token_id();
      if (peek() != ']') fail_here("a token id is expected");
      id = static_cast<int32_t>(value);
    } else if (options_.token_of) {
      id = options_.token_of(str("<", name, ">"));
    }
    if (!id) fail_here(str("token <", name, "> is not known"));
    at_ = end + 1;
    return {.kind = Expression::Kind::kBytes, .bytes = TokenTrie::control_spelling(*id)};
  }

  uint32_t read_token_id() {
    uint32_t value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = value * 10 + static_cast<uint32_t>(peek() - '0');
      if (value >= TokenTrie::kMaxTokens) fail_here("a token id that no vocabulary has");
      ++at_;
    }
    return value;
  }

  std::string_view text_;
  const GbnfOptions& options_;
  size_t at_ = 0;
  std::vector<Rule> rules_;
  std::map<std::string, uint32_t, std::less<>> ids_;
};

void collect_calls(const Expression& expression, std::vector<uint32_t>& calls) {
  if (expression.kind == Expression::Kind::kCall) calls.push_back(expression.rule);
  for (const Expression& part : expression.parts) collect_calls(part, calls);
}

// Makes the rules that call no rule around a circle into automata, those that are called first.
class Compiler {
 public:
  explicit Compiler(const std::vector<Rule>& rules) : rules_(rules), ids_(rules.size()), dfas_(rules.size()) {
    for (const Rule& rule : rules) collect_calls(*rule.expression, calls_.emplace_back());
  }

  Program compile(uint32_t root) {
    for (const uint32_t rule : in_order()) {
      dfas_[rule] = dfa_of(rule);
      ids_[rule] = dfas_[rule] ? builder_.add_lexeme(*dfas_[rule]) : builder_.add_rule(rules_[rule].name);
    }
    for (uint32_t r = 0; r < rules_.size(); ++r) {
      if (dfas_[r]) continue;
      const auto [start, end] = builder_.ends_of(ids_[r]);
      const auto call = [&](uint32_t from, uint32_t rule) { return builder_.add_call(from, ids_[rule]); };
      const auto characters = [&](uint32_t from, uint32_t low, uint32_t high, uint32_t to) {
        builder_.add_characters(from, low, high, to);
      };
      builder_.add_epsilon(add_expression(builder_, start, *rules_[r].expression, call, characters), end);
    }
    return builder_.build(ids_[root]);
  }

 private:
  // Callees first; rules on a circle or that call one come in any order.
  std::vector<uint32_t> in_order() {
    std::vector<uint32_t> order;
    std::vector<uint32_t> n_open(rules_.size());
    std::vector<std::vector<uint32_t>> callers(rules_.size());
    for (uint32_t r = 0; r < rules_.size(); ++r) {
      n_open[r] = static_cast<uint32_t>(calls_[r].size());
      for (const uint32_t called : calls_[r]) callers[called].push_back(r);
      if (n_open[r] == 0) order.push_back(r);
    }
    for (size_t i = 0; i < order.size(); ++i) {
      for (const uint32_t caller : callers[order[i]]) {
        if (--n_open[caller] == 0) order.push_back(caller);
      }
    }
    for (uint32_t r = 0; r < rules_.size(); ++r) {
      if (n_open[r] != 0) order.push_back(r);
    }
    return order;
  }

  std::optional<Dfa> dfa_of(uint32_t rule) {
    for (const uint32_t called : calls_[rule]) {
      if (!dfas_[called]) return std::nullopt;
    }
    Nfa nfa;
    const uint32_t start = nfa.add_state();
    const auto call = [&](uint32_t from, uint32_t called) {
      const uint32_t to = nfa.add_state();
      nfa.add_dfa(from, *dfas_[called], to);
      return to;
    };
    const auto characters = [&](uint32_t from, uint32_t low, uint32_t high, uint32_t to) {
      nfa.add_characters(from, low, high, to);
    };
    try {
      const uint32_t end = add_expression(nfa, start, *rules_[rule].expression, call, characters);
      if (nfa.size() > 4 * kMaxLexemeStates) return std::nullopt;
      Dfa dfa = nfa.determinized(start, end);
      if (dfa.size() <= kMaxLexemeStates) return dfa;
    } catch (const Error&) {
      // Too large for one automaton: it stays a rule.
    }
    return std::nullopt;
  }

  const std::vector<Rule>& rules_;
  std::vector<std::vector<uint32_t>> calls_;
  std::vector<uint32_t> ids_;
  std::vector<std::optional<Dfa>> dfas_;
  ProgramBuilder builder_;
};

}  // namespace

Program read_gbnf(std::string_view text, const GbnfOptions& options) {
  const std::vector<Rule> rules = Reader(text, options).read();
  const auto root =
      std::find_if(rules.begin(), rules.end(), [&](const Rule& rule) { return rule.name == options.root; });
  if (root == rules.end()) fail_with(ErrorCode::kInvalidArgument, "gbnf: rule ", options.root, " is not defined");
  return Compiler(rules).compile(static_cast<uint32_t>(root - rules.begin()));
}

}  // namespace kinglet::grammar
