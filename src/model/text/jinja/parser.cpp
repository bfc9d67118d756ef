#include "model/text/jinja/parser.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "core/base/base.h"
#include "model/text/jinja/lexer.h"

namespace kinglet::text::jinja {
namespace {

// Nesting of expressions and blocks; a parser and an evaluator by recursion need a limit.
constexpr int kMaxDepth = 120;

class Parser {
 public:
  Parser(std::string_view source, std::string_view name) : name_(name), tokens_(tokenize(source, name)) {}

  Body run() {
    Body body = statements({});
    if (!at(Token::Kind::kEnd)) refuse(str("unexpected {% ", current().text, " %}"));
    return body;
  }

 private:
  using Kind = Expression::Kind;

  struct DepthGuard {
    explicit DepthGuard(Parser& parser) : depth(parser.depth_) {
      if (++depth > kMaxDepth) parser.refuse(str("nested deeper than ", kMaxDepth));
    }
    ~DepthGuard() { --depth; }
    DepthGuard(const DepthGuard&) = delete;
    DepthGuard& operator=(const DepthGuard&) = delete;
    int& depth;
  };

  [[noreturn]] void refuse(std::string_view why) const {
    fail_with(ErrorCode::kInvalidArgument, name_, ": line ", current().line, ": ", why);
  }
  [[nodiscard]] const Token& current() const { return tokens_[at_]; }
  [[nodiscard]] const Token& following() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  [[nodiscard]] bool at(Token::Kind kind) const { return current().kind == kind; }
  [[nodiscard]] bool at_operator(std::string_view op) const { return at(Token::Kind::kOperator) && current().text == op; }
  [[nodiscard]] bool at_name(std::string_view word) const { return at(Token::Kind::kName) && current().text == word; }
  Token take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool skip_operator(std::string_view op) {
    if (!at_operator(op)) return false;
    take();
    return true;
  }
  bool skip_name(std::string_view word) {
    if (!at_name(word)) return false;
    take();
    return true;
  }
  void expect_operator(std::string_view op) {
    if (!skip_operator(op)) refuse(str("expected '", op, "'"));
  }
  std::string expect_name() {
    if (!at(Token::Kind::kName)) refuse("expected a name");
    return take().text;
  }
  void expect_block_end() {
    if (!at(Token::Kind::kBlockEnd)) refuse("expected '%}'");
    take();
  }

  std::unique_ptr<Expression> make(Kind kind) const {
    auto expression = std::make_unique<Expression>();
    expression->kind = kind;
    expression->line = current().line;
    return expression;
  }
  template <class... Parts>
  ExpressionPtr make(Kind kind, std::string name, Parts... parts) const {
    auto expression = make(kind);
    expression->name = std::move(name);
    (expression->parts.push_back(std::move(parts)), ...);
    return expression;
  }
  std::unique_ptr<Statement> make_statement(Statement::Kind kind) const {
    auto statement = std::make_unique<Statement>();
    statement->kind = kind;
    statement->line = current().line;
    return statement;
  }

  // ---- statements ----

  // Up to a block whose name is in `ends`; its {% is taken, its name is current.
  Body statements(std::initializer_list<std::string_view> ends) {
    const DepthGuard guard(*this);
    Body body;
    for (;;) {
      if (at(Token::Kind::kText)) {
        auto statement = make_statement(Statement::Kind::kText);
        statement->name = take().text;
        body.push_back(std::move(statement));
      } else if (at(Token::Kind::kPrintBegin)) {
        take();
        auto statement = make_statement(Statement::Kind::kPrint);
        statement->value = tuple();
        if (!at(Token::Kind::kPrintEnd)) refuse("expected '}}'");
        take();
        body.push_back(std::move(statement));
      } else if (at(Token::Kind::kBlockBegin)) {
        take();
        if (at(Token::Kind::kName) && std::ranges::find(ends, current().text) != ends.end()) return body;
        body.push_back(block());
      } else {
        if (ends.size() > 0) refuse(str("{% ", *(ends.end() - 1), " %} is missing"));
        return body;
      }
    }
  }

  std::unique_ptr<const Statement> block() {
    const std::string word = expect_name();
    if (word == "if") return if_block();
    if (word == "for") return for_block();
    if (word == "set") return set_block();
    if (word == "macro") return macro_block();
    if (word == "call") return call_block();
    if (word == "filter") return filter_block();
    if (word == "generation") return generation_block();
    if (word == "break" || word == "continue") {
      if (loops_ == 0) refuse(str("{% ", word, " %} outside of a loop"));
      auto statement = make_statement(word == "break" ? Statement::Kind::kBreak : Statement::Kind::kContinue);
      expect_block_end();
      return statement;
    }
    if (word == "do") {
      auto statement = make_statement(Statement::Kind::kDo);
      statement->value = tuple();
      expect_block_end();
      return statement;
    }
    refuse(str("{% ", word, " %} is not supported"));
  }

  std::unique_ptr<const Statement> if_block() {
    const DepthGuard guard(*this);
    auto statement = make_statement(Statement::Kind::kIf);
    statement->value = tuple(false);
    expect_block_end();
    statement->body = statements({"elif", "else", "endif"});
    const std::string word = expect_name();
    if (word == "elif") {
      statement->otherwise.push_back(if_block());
      return statement;
    }
    expect_block_end();
    if (word == "else") {
      statement->otherwise = statements({"endif"});
      take();
      expect_block_end();
    }
    return statement;
  }

  std::unique_ptr<const Statement> for_block() {
    auto statement = make_statement(Statement::Kind::kFor);
    statement->target = target_names();
    if (!skip_name("in")) refuse("expected 'in'");
    statement->value = tuple(false);
    if (skip_name("if")) statement->condition = expression();
    statement->is_recursive = skip_name("recursive");
    expect_block_end();
    ++loops_;
    statement->body = statements({"else", "endfor"});
    --loops_;
    if (take().text == "else") {
      expect_block_end();
      statement->otherwise = statements({"endfor"});
      take();
    }
    expect_block_end();
    return statement;
  }

  ExpressionPtr target_names() {
    auto first = make(Kind::kName, expect_name());
    if (!at_operator(",")) return first;
    auto names = make(Kind::kTuple);
    names->parts.push_back(std::move(first));
    while (skip_operator(",")) {
      if (!at(Token::Kind::kName) || at_name("in")) break;
      names->parts.push_back(make(Kind::kName, expect_name()));
    }
    return names;
  }

  std::unique_ptr<const Statement> set_block() {
    ExpressionPtr target;
    if (following().kind == Token::Kind::kOperator && following().text == ".") {
      ExpressionPtr object = make(Kind::kName, expect_name());
      take();
      std::string attribute = expect_name();
      target = make(Kind::kAttribute, std::move(attribute), std::move(object));
    } else {
      target = target_names();
    }
    if (skip_operator("=")) {
      auto statement = make_statement(Statement::Kind::kSet);
      statement->target = std::move(target);
      statement->value = tuple();
      expect_block_end();
      return statement;
    }
    auto statement = make_statement(Statement::Kind::kSetBlock);
    statement->target = std::move(target);
    if (skip_operator("|")) statement->value = filters_of(nullptr);
    expect_block_end();
    statement->body = statements({"endset"});
    take();
    expect_block_end();
    return statement;
  }

  void parameters(Statement& statement) {
    expect_operator("(");
    while (!skip_operator(")")) {
      std::string name = expect_name();
      ExpressionPtr standard = skip_operator("=") ? expression() : nullptr;
      statement.parameters.emplace_back(std::move(name), std::move(standard));
      if (!at_operator(")")) expect_operator(",");
    }
  }

  std::unique_ptr<const Statement> macro_block() {
    auto statement = make_statement(Statement::Kind::kMacro);
    statement->name = expect_name();
    parameters(*statement);
    expect_block_end();
    const int loops = std::exchange(loops_, 0);
    statement->body = statements({"endmacro"});
    loops_ = loops;
    take();
    if (at(Token::Kind::kName)) take();  // the name may be said again
    expect_block_end();
    return statement;
  }

  std::unique_ptr<const Statement> call_block() {
    auto statement = make_statement(Statement::Kind::kCallBlock);
    if (at_operator("(")) parameters(*statement);
    statement->value = expression();
    if (statement->value->kind != Kind::kCall) refuse("{% call %} wants a call");
    expect_block_end();
    statement->body = statements({"endcall"});
    take();
    expect_block_end();
    return statement;
  }

  std::unique_ptr<const Statement> filter_block() {
    auto statement = make_statement(Statement::Kind::kFilter);
    statement->value = filters_of(nullptr, true);
    expect_block_end();
    statement->body = statements({"endfilter"});
    take();
    expect_block_end();
    return statement;
  }

  std::unique_ptr<const Statement> generation_block() {
    auto statement = make_statement(Statement::Kind::kScope);
    expect_block_end();
    statement->body = statements({"endgeneration"});
    take();
    expect_block_end();
    return statement;
  }

  // ---- expressions ----

  ExpressionPtr tuple(bool with_condition = true) {
    ExpressionPtr first = with_condition ? expression() : or_expression_or_condition();
    if (!at_operator(",")) return first;
    auto values = make(Kind::kTuple);
    values->parts.push_back(std::move(first));
    while (skip_operator(",")) {
      if (at(Token::Kind::kPrintEnd) || at(Token::Kind::kBlockEnd) || at_operator(")") || at_operator("]")) break;
      values->parts.push_back(expression());
    }
    return values;
  }

  // The iterable of a for loop: an `if` behind it belongs to the loop.
  ExpressionPtr or_expression_or_condition() { return or_expression(); }

  ExpressionPtr expression() {
    const DepthGuard guard(*this);
    ExpressionPtr value = or_expression();
    while (skip_name("if")) {
      ExpressionPtr condition = or_expression();
      ExpressionPtr otherwise = skip_name("else") ? expression() : nullptr;
      value = make(Kind::kConditional, "", std::move(value), std::move(condition), std::move(otherwise));
    }
    return value;
  }

  ExpressionPtr or_expression() {
    ExpressionPtr left = and_expression();
    while (skip_name("or")) left = make(Kind::kOr, "", std::move(left), and_expression());
    return left;
  }

  ExpressionPtr and_expression() {
    ExpressionPtr left = not_expression();
    while (skip_name("and")) left = make(Kind::kAnd, "", std::move(left), not_expression());
    return left;
  }

  ExpressionPtr not_expression() {
    const DepthGuard guard(*this);
    if (skip_name("not")) return make(Kind::kNot, "", not_expression());
    return comparison();
  }

  ExpressionPtr comparison() {
    ExpressionPtr first = sum();
    std::unique_ptr<Expression> chain;
    for (;;) {
      std::string op;
      if (at(Token::Kind::kOperator) && (current().text == "==" || current().text == "!=" || current().text == "<" ||
                                         current().text == ">" || current().text == "<=" || current().text == ">=")) {
        op = take().text;
      } else if (skip_name("in")) {
        op = "in";
      } else if (at_name("not") && following().kind == Token::Kind::kName && following().text == "in") {
        take();
        take();
        op = "not in";
      } else {
        break;
      }
      if (chain == nullptr) {
        chain = make(Kind::kCompare);
        chain->parts.push_back(std::move(first));
      }
      chain->operators.push_back(std::move(op));
      chain->parts.push_back(sum());
    }
    if (chain == nullptr) return first;
    return chain;
  }

  ExpressionPtr sum() {
    ExpressionPtr left = concatenation();
    while (at_operator("+") || at_operator("-")) {
      std::string op = take().text;
      left = make(Kind::kBinary, std::move(op), std::move(left), concatenation());
    }
    return left;
  }

  ExpressionPtr concatenation() {
    ExpressionPtr left = product();
    while (skip_operator("~")) left = make(Kind::kBinary, "~", std::move(left), product());
    return left;
  }

  ExpressionPtr product() {
    ExpressionPtr left = power();
    while (at_operator("*") || at_operator("/") || at_operator("//") || at_operator("%")) {
      std::string op = take().text;
      left = make(Kind::kBinary, std::move(op), std::move(left), power());
    }
    return left;
  }

  ExpressionPtr power() {
    ExpressionPtr left = unary(true);
    while (skip_operator("**")) left = make(Kind::kBinary, "**", std::move(left), unary(true));
    return left;
  }

  ExpressionPtr unary(bool with_filters) {
    const DepthGuard guard(*this);
    ExpressionPtr value;
    if (skip_operator("-")) {
      value = make(Kind::kNegate, "", unary(false));
    } else if (skip_operator("+")) {
      value = make(Kind::kPlus, "", unary(false));
    } else {
      value = primary();
    }
    value = postfix(std::move(value));
    return with_filters ? filters_and_tests(std::move(value)) : std::move(value);
  }

  ExpressionPtr constant(Value value) const {
    auto expression = make(Kind::kConstant);
    expression->constant = std::move(value);
    return expression;
  }

  ExpressionPtr primary() {
    const DepthGuard guard(*this);
    switch (current().kind) {
      case Token::Kind::kName: {
        const std::string word = take().text;
        if (word == "true" || word == "True") return constant(true);
        if (word == "false" || word == "False") return constant(false);
        if (word == "none" || word == "None") return constant(nullptr);
        return make(Kind::kName, word);
      }
      case Token::Kind::kString: {
        std::string text = take().text;
        while (at(Token::Kind::kString)) text += take().text;  // strings side by side are one
        return constant(std::move(text));
      }
      case Token::Kind::kInt: {
        const std::string digits = take().text;
        int64_t number = 0;
        const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (status != std::errc()) refuse(str("the number ", digits, " is too large"));
        return constant(number);
      }
      case Token::Kind::kFloat: {
        const std::string digits = take().text;
        double number = 0;
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
        return constant(number);
      }
      case Token::Kind::kOperator:
        if (skip_operator("(")) return parenthesized();
        if (skip_operator("[")) return list();
        if (skip_operator("{")) return dict();
        break;
      default:
        break;
    }
    refuse(current().text.empty() ? std::string("an expression is missing") : str("unexpected '", current().text, "'"));
  }

  ExpressionPtr parenthesized() {
    if (skip_operator(")")) return make(Kind::kTuple);
    ExpressionPtr value = tuple();
    expect_operator(")");
    return value;
  }

  ExpressionPtr list() {
    auto values = make(Kind::kList);
    while (!skip_operator("]")) {
      values->parts.push_back(expression());
      if (!at_operator("]")) expect_operator(",");
    }
    return values;
  }

  ExpressionPtr dict() {
    auto members = make(Kind::kDict);
    while (!skip_operator("}")) {
      members->parts.push_back(expression());
      expect_operator(":");
      members->parts.push_back(expression());
      if (!at_operator("}")) expect_operator(",");
    }
    return members;
  }

  // A chain a.b[c](d) counts as nesting: it is evaluated by recursion.
  ExpressionPtr postfix(ExpressionPtr value) {
    int links = 0;
    for (;;) {
      if (++links > kMaxDepth) refuse(str("a chain of more than ", kMaxDepth, " parts"));
      if (skip_operator(".")) {
        if (at(Token::Kind::kInt)) {
          ExpressionPtr index = primary();
          value = make(Kind::kItem, "", std::move(value), std::move(index));
        } else {
          std::string name = expect_name();
          value = make(Kind::kAttribute, std::move(name), std::move(value));
        }
      } else if (skip_operator("[")) {
        value = subscript(std::move(value));
      } else if (at_operator("(")) {
        value = call(std::move(value));
      } else {
        return value;
      }
    }
  }

  ExpressionPtr subscript(ExpressionPtr value) {
    ExpressionPtr bounds[3];
    size_t n = 0;
    bool is_slice = false;
    for (;;) {
      if (skip_operator(":")) {
        is_slice = true;
        if (++n > 2) refuse("a slice has at most three parts");
      } else if (at_operator("]")) {
        break;
      } else {
        bounds[n] = tuple();
      }
    }
    expect_operator("]");
    if (is_slice) return make(Kind::kSlice, "", std::move(value), std::move(bounds[0]), std::move(bounds[1]), std::move(bounds[2]));
    if (bounds[0] == nullptr) refuse("an index is missing");
    return make(Kind::kItem, "", std::move(value), std::move(bounds[0]));
  }

  // (a, b, c=d) into parts and named.
  void arguments(Expression& target) {
    expect_operator("(");
    while (!skip_operator(")")) {
      if (at(Token::Kind::kName) && following().kind == Token::Kind::kOperator && following().text == "=") {
        std::string name = take().text;
        take();
        target.named.emplace_back(std::move(name), expression());
      } else {
        target.parts.push_back(expression());
      }
      if (!at_operator(")")) expect_operator(",");
    }
  }

  ExpressionPtr call(ExpressionPtr function) {
    auto expression = make(Kind::kCall);
    expression->parts.push_back(std::move(function));
    arguments(*expression);
    return expression;
  }

  ExpressionPtr filters_and_tests(ExpressionPtr value) {
    int links = 0;
    for (;;) {
      if (++links > kMaxDepth) refuse(str("a chain of more than ", kMaxDepth, " parts"));
      if (skip_operator("|")) {
        value = filters_of(std::move(value));
      } else if (skip_name("is")) {
        value = test(std::move(value));
      } else if (at_operator("(")) {
        value = call(std::move(value));
      } else {
        return value;
      }
    }
  }

  // One filter, its '|' taken; with `all` those that follow as well.
  ExpressionPtr filters_of(ExpressionPtr value, bool all = false) {
    do {
      auto filter = make(Kind::kFilter);
      filter->name = expect_name();
      filter->parts.push_back(std::move(value));
      if (at_operator("(")) arguments(*filter);
      value = std::move(filter);
    } while ((all || at(Token::Kind::kBlockEnd)) && skip_operator("|"));
    return value;
  }

  ExpressionPtr test(ExpressionPtr value) {
    const bool negated = skip_name("not");
    auto expression = make(Kind::kTest);
    expression->name = expect_name();
    expression->parts.push_back(std::move(value));
    if (at_operator("(")) {
      arguments(*expression);
    } else {
      const bool starts_operand = at(Token::Kind::kString) || at(Token::Kind::kInt) || at(Token::Kind::kFloat) || at_operator("[") ||
                                  at_operator("{") ||
                                  (at(Token::Kind::kName) && !at_name("else") && !at_name("or") && !at_name("and") && !at_name("if") &&
                                   !at_name("is") && !at_name("in") && !at_name("not") && !at_name("recursive"));
      if (starts_operand) expression->parts.push_back(postfix(primary()));
    }
    if (!negated) return expression;
    return make(Kind::kNot, "", ExpressionPtr(std::move(expression)));
  }

  std::string_view name_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  int loops_ = 0;
};

}  // namespace

Body parse(std::string_view source, std::string_view name) { return Parser(source, name).run(); }

}  // namespace kinglet::text::jinja
