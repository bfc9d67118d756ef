#include "model/text/jinja/expression_parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace kinglet::text::jinja {
namespace {

using Nesting = TokenStream::Nesting;

struct Spelled {
  std::string_view text;
  Operator op;
};
constexpr std::array kOperators = {
    Spelled{"+", Operator::kAdd},        Spelled{"-", Operator::kSubtract},      Spelled{"*", Operator::kMultiply},
    Spelled{"/", Operator::kDivide},     Spelled{"//", Operator::kFloorDivide},  Spelled{"%", Operator::kModulo},
    Spelled{"**", Operator::kPower},     Spelled{"~", Operator::kConcatenate},   Spelled{"==", Operator::kEqual},
    Spelled{"!=", Operator::kNotEqual},  Spelled{"<", Operator::kLess},          Spelled{"<=", Operator::kLessEqual},
    Spelled{">", Operator::kGreater},    Spelled{">=", Operator::kGreaterEqual}, Spelled{"in", Operator::kIn},
    Spelled{"not in", Operator::kNotIn},
};

// The current token as an operator between `first` and `last`, taken.
std::optional<Operator> skip_one_of(TokenStream& in, Operator first, Operator last) {
  if (!in.at(Token::Kind::kOperator)) return std::nullopt;
  const auto row = std::ranges::find(kOperators, std::string_view(in.current().text), &Spelled::text);
  if (row == kOperators.end() || row->op < first || row->op > last) return std::nullopt;
  in.take();
  return row->op;
}

}  // namespace

std::string_view spelling(Operator op) noexcept { return std::ranges::find(kOperators, op, &Spelled::op)->text; }

ExpressionParser::Builder ExpressionParser::make(Kind kind) const {
  auto made = std::make_unique<Expression>();
  made->kind = kind;
  made->line = in_.current().line;
  return made;
}

ExpressionPtr ExpressionParser::constant(Value value) const {
  Builder made = make(Kind::kConstant);
  made->constant = std::move(value);
  return built(std::move(made));
}

// The tree is walked by recursion: a chain a.b[c](d)|e nests as deeply as it is long.
ExpressionPtr ExpressionParser::built(Builder made) const {
  const auto count = [&](const ExpressionPtr& part) {
    if (part != nullptr) made->depth = std::max(made->depth, part->depth + 1);
  };
  for (const ExpressionPtr& part : made->parts) count(part);
  if (made->named != nullptr) {
    for (const auto& [name, value] : made->named->arguments) count(value);
    count(made->named->more);
    count(made->named->more_named);
  }
  if (made->depth > kMaxDepth) in_.refuse(str("an expression nested deeper than ", kMaxDepth));
  return made;
}

ExpressionPtr ExpressionParser::tuple(bool may_be_conditional) {
  const auto element = [&] { return may_be_conditional ? expression() : either(); };
  ExpressionPtr first = element();
  if (!in_.at_operator(",")) return first;
  Builder values = make(Kind::kTuple);
  values->parts.push_back(std::move(first));
  while (in_.skip_operator(",")) {
    if (in_.at(Token::Kind::kPrintEnd) || in_.at(Token::Kind::kBlockEnd) || in_.at_operator(")") ||
        in_.at_operator("]"))
      break;
    values->parts.push_back(element());
  }
  return built(std::move(values));
}

ExpressionPtr ExpressionParser::name() { return make(Kind::kName, in_.expect_name()); }

ExpressionPtr ExpressionParser::attribute_of_name() {
  ExpressionPtr object = name();
  in_.expect_operator(".");
  std::string attribute = in_.expect_name();
  return make(Kind::kAttribute, std::move(attribute), std::move(object));
}

ExpressionPtr ExpressionParser::single_target() {
  constexpr std::array<std::string_view, 6> kConstants = {"true", "false", "none", "True", "False", "None"};
  if (in_.at(Token::Kind::kName) && std::ranges::find(kConstants, in_.current().text) != kConstants.end())
    in_.refuse_current();
  if (!in_.skip_operator("(")) return name();
  const Nesting nesting(in_);
  ExpressionPtr inner = target();
  in_.expect_operator(")");
  return inner;
}

ExpressionPtr ExpressionParser::target() {
  ExpressionPtr first = single_target();
  if (!in_.at_operator(",")) return first;
  Builder names = make(Kind::kTuple);
  names->parts.push_back(std::move(first));
  while (in_.skip_operator(",")) {
    if (in_.at_name("in") || in_.at_operator("=") || in_.at_operator(")")) break;
    names->parts.push_back(single_target());
  }
  return built(std::move(names));
}

ExpressionPtr ExpressionParser::expression() {
  const Nesting nesting(in_);
  ExpressionPtr value = either();
  while (in_.skip_name("if")) {
    ExpressionPtr condition = either();
    ExpressionPtr otherwise = in_.skip_name("else") ? expression() : nullptr;
    value = make(Kind::kConditional, "", std::move(value), std::move(condition), std::move(otherwise));
  }
  return value;
}

// part operator part operator part ...; `next_operator` takes an operator that goes on with the chain.
template <class Part, class Next>
ExpressionPtr ExpressionParser::chain(Kind kind, const Part& part, const Next& next_operator) {
  ExpressionPtr first = part();
  std::optional<Operator> op = next_operator();
  if (!op) return first;
  Builder made = make(kind);
  made->parts.push_back(std::move(first));
  for (; op; op = next_operator()) {
    made->operators.push_back(*op);
    made->parts.push_back(part());
  }
  return built(std::move(made));
}

ExpressionPtr ExpressionParser::either() {
  return chain(
      Kind::kOr, [&] { return both(); },
      [&] { return in_.skip_name("or") ? std::optional(Operator::kIn) : std::nullopt; });
}

ExpressionPtr ExpressionParser::both() {
  return chain(
      Kind::kAnd, [&] { return negation(); },
      [&] { return in_.skip_name("and") ? std::optional(Operator::kIn) : std::nullopt; });
}

ExpressionPtr ExpressionParser::negation() {
  if (!in_.skip_name("not")) return comparison();
  const Nesting nesting(in_);
  return make(Kind::kNot, "", negation());
}

ExpressionPtr ExpressionParser::comparison() {
  return chain(
      Kind::kCompare, [&] { return sum(); },
      [&]() -> std::optional<Operator> {
        if (in_.skip_name("in")) return Operator::kIn;
        if (in_.at_name("not") && in_.following().kind == Token::Kind::kName && in_.following().text == "in") {
          in_.take();
          in_.take();
          return Operator::kNotIn;
        }
        return skip_one_of(in_, Operator::kEqual, Operator::kGreaterEqual);
      });
}

ExpressionPtr ExpressionParser::sum() {
  return chain(
      Kind::kBinary, [&] { return concatenation(); },
      [&] { return skip_one_of(in_, Operator::kAdd, Operator::kSubtract); });
}

ExpressionPtr ExpressionParser::concatenation() {
  return chain(
      Kind::kBinary, [&] { return product(); },
      [&] { return skip_one_of(in_, Operator::kConcatenate, Operator::kConcatenate); });
}

ExpressionPtr ExpressionParser::product() {
  return chain(
      Kind::kBinary, [&] { return power(); }, [&] { return skip_one_of(in_, Operator::kMultiply, Operator::kModulo); });
}

ExpressionPtr ExpressionParser::power() {
  return chain(
      Kind::kBinary, [&] { return unary(true); }, [&] { return skip_one_of(in_, Operator::kPower, Operator::kPower); });
}

ExpressionPtr ExpressionParser::unary(bool with_filters) {
  ExpressionPtr value;
  if (in_.at_operator("-") || in_.at_operator("+")) {
    const Nesting nesting(in_);
    const Kind kind = in_.take().text == "-" ? Kind::kNegate : Kind::kPlus;
    value = make(kind, "", unary(false));
  } else {
    value = primary();
  }
  value = postfix(std::move(value));
  return with_filters ? filters_and_tests(std::move(value)) : std::move(value);
}

ExpressionPtr ExpressionParser::primary() {
  switch (in_.current().kind) {
    case Token::Kind::kName: {
      const std::string& word = in_.current().text;
      if (word == "caller") names_read.caller = true;
      if (word == "varargs") names_read.varargs = true;
      if (word == "kwargs") names_read.kwargs = true;
      if (in_.skip_name("true") || in_.skip_name("True")) return constant(true);
      if (in_.skip_name("false") || in_.skip_name("False")) return constant(false);
      if (in_.skip_name("none") || in_.skip_name("None")) return constant(nullptr);
      return name();
    }
    case Token::Kind::kString: {
      std::string text = in_.take().text;
      while (in_.at(Token::Kind::kString)) text += in_.take().text;  // texts side by side are one
      return constant(std::move(text));
    }
    case Token::Kind::kInt: {
      const std::string digits = in_.take().text;
      int64_t number = 0;
      std::from_chars(digits.data(), digits.data() + digits.size(), number);
      return constant(number);
    }
    case Token::Kind::kFloat: {
      const std::string digits = in_.take().text;
      double number = 0;
      std::from_chars(digits.data(), digits.data() + digits.size(), number);
      return constant(number);
    }
    case Token::Kind::kOperator:
      if (in_.skip_operator("(")) return parenthesized();
      if (in_.skip_operator("[")) return list();
      if (in_.skip_operator("{")) return dict();
      break;
    default:
      break;
  }
  in_.refuse_current();
}

ExpressionPtr ExpressionParser::parenthesized() {
  if (in_.skip_operator(")")) return make(Kind::kTuple, "");
  ExpressionPtr value = tuple();
  in_.expect_operator(")");
  return value;
}

ExpressionPtr ExpressionParser::list() {
  Builder values = make(Kind::kList);
  while (!in_.skip_operator("]")) {
    values->parts.push_back(expression());
    if (!in_.at_operator("]")) in_.expect_operator(",");
  }
  return built(std::move(values));
}

ExpressionPtr ExpressionParser::dict() {
  Builder members = make(Kind::kDict);
  while (!in_.skip_operator("}")) {
    members->parts.push_back(expression());
    in_.expect_operator(":");
    members->parts.push_back(expression());
    if (!in_.at_operator("}")) in_.expect_operator(",");
  }
  return built(std::move(members));
}

ExpressionPtr ExpressionParser::postfix(ExpressionPtr value) {
  for (;;) {
    if (in_.skip_operator(".")) {
      if (in_.at(Token::Kind::kInt)) {
        ExpressionPtr index = primary();
        value = make(Kind::kItem, "", std::move(value), std::move(index));
      } else {
        std::string name = in_.expect_name();
        value = make(Kind::kAttribute, std::move(name), std::move(value));
      }
    } else if (in_.skip_operator("[")) {
      value = subscript(std::move(value));
    } else if (in_.at_operator("(")) {
      value = call(std::move(value));
    } else {
      return value;
    }
  }
}

ExpressionPtr ExpressionParser::subscript(ExpressionPtr value) {
  std::array<ExpressionPtr, 3> bounds;
  size_t n = 0;
  for (; n < 3; ++n) {
    if (!in_.at_operator(":") && !in_.at_operator("]")) bounds[n] = n == 0 ? tuple() : expression();
    if (!in_.skip_operator(":")) break;
  }
  in_.expect_operator("]");
  if (n > 0) {
    return make(Kind::kSlice, "", std::move(value), std::move(bounds[0]), std::move(bounds[1]), std::move(bounds[2]));
  }
  if (bounds[0] == nullptr) in_.refuse("an index is missing");
  return make(Kind::kItem, "", std::move(value), std::move(bounds[0]));
}

// (a, b, c=d, *e, **f) into parts and named.
void ExpressionParser::arguments(Expression& target) {
  in_.expect_operator("(");
  const auto named = [&]() -> Expression::Named& {
    if (target.named == nullptr) target.named = std::make_unique<Expression::Named>();
    return *target.named;
  };
  while (!in_.skip_operator(")")) {
    if (target.named != nullptr && target.named->more_named != nullptr) in_.refuse("an argument behind **");
    if (in_.skip_operator("*")) {
      if (named().more != nullptr) in_.refuse("a second * in a call");
      named().more = expression();
    } else if (in_.skip_operator("**")) {
      named().more_named = expression();
    } else if (in_.at(Token::Kind::kName) && in_.before_operator("=")) {
      std::string name = in_.take().text;
      in_.take();
      named().arguments.emplace_back(std::move(name), expression());
    } else {
      if (target.named != nullptr) in_.refuse("an argument by place behind one by name");
      target.parts.push_back(expression());
    }
    if (!in_.at_operator(")")) in_.expect_operator(",");
  }
}

ExpressionPtr ExpressionParser::call(ExpressionPtr function) {
  Builder made = make(Kind::kCall);
  made->parts.push_back(std::move(function));
  arguments(*made);
  return built(std::move(made));
}

ExpressionPtr ExpressionParser::filters_and_tests(ExpressionPtr value) {
  for (;;) {
    if (in_.skip_operator("|")) {
      value = filter(std::move(value));
    } else if (in_.skip_name("is")) {
      value = test(std::move(value));
    } else if (in_.at_operator("(")) {
      value = call(std::move(value));
    } else {
      return value;
    }
  }
}

// Names of filters and tests may have dots in them.
std::string ExpressionParser::operation_name() {
  std::string name = in_.expect_name();
  while (in_.skip_operator(".")) name += str('.', in_.expect_name());
  return name;
}

ExpressionPtr ExpressionParser::filter(ExpressionPtr value) {
  Builder made = make(Kind::kFilter);
  made->name = operation_name();
  made->parts.push_back(std::move(value));
  if (in_.at_operator("(")) arguments(*made);
  return built(std::move(made));
}

ExpressionPtr ExpressionParser::block_filters() {
  ExpressionPtr value;
  do {
    value = filter(std::move(value));
  } while (in_.skip_operator("|"));
  return value;
}

ExpressionPtr ExpressionParser::test(ExpressionPtr value) {
  const bool negated = in_.skip_name("not");
  Builder made = make(Kind::kTest);
  made->name = operation_name();
  made->parts.push_back(std::move(value));
  if (in_.at_name("is")) in_.refuse("tests cannot be chained with 'is'");
  // Without brackets one operand may follow.
  constexpr std::array<std::string_view, 7> kNoOperands = {"else", "or", "and", "if", "is", "in", "not"};
  const bool is_word =
      in_.at(Token::Kind::kName) && std::ranges::find(kNoOperands, in_.current().text) == kNoOperands.end();
  if (in_.at_operator("(")) {
    arguments(*made);
  } else if (is_word || in_.at(Token::Kind::kString) || in_.at(Token::Kind::kInt) || in_.at(Token::Kind::kFloat) ||
             in_.at_operator("[") || in_.at_operator("{")) {
    made->parts.push_back(postfix(primary()));
  }
  ExpressionPtr tested = built(std::move(made));
  return negated ? make(Kind::kNot, "", std::move(tested)) : std::move(tested);
}

}  // namespace kinglet::text::jinja
