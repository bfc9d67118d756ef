// How the evaluator evaluates expressions.
#include "core/base/base.h"
#include "model/text/jinja/evaluator.h"
#include "model/text/jinja/operation.h"
#include "model/text/jinja/operators.h"

namespace kinglet::text::jinja {

using Kind = Value::Kind;

Value Evaluator::evaluate(const Expression& expression, const ScopePtr& scope) {
  const Meter::Level level(meter_);
  meter_.at_line(expression.line);
  meter_.step();
  switch (expression.kind) {
    case Expression::Kind::kConstant:
      return expression.constant;
    case Expression::Kind::kName:
      return evaluate_name(expression, scope);
    case Expression::Kind::kList:
    case Expression::Kind::kTuple:
      return evaluate_list(expression, scope);
    case Expression::Kind::kDict:
      return evaluate_dict(expression, scope);
    case Expression::Kind::kAttribute:
      return attribute(evaluate(*expression.parts[0], scope), expression.name);
    case Expression::Kind::kItem: {
      const Value object = evaluate(*expression.parts[0], scope);
      return item(object, evaluate(*expression.parts[1], scope));
    }
    case Expression::Kind::kSlice:
      return evaluate_slice(expression, scope);
    case Expression::Kind::kCall:
      return evaluate_call(expression, scope);
    case Expression::Kind::kFilter:
      return evaluate_filter(expression, scope);
    case Expression::Kind::kTest:
      return evaluate_test(expression, scope);
    case Expression::Kind::kNegate:
    case Expression::Kind::kPlus:
      return evaluate_sign(expression, scope);
    case Expression::Kind::kNot:
      return !evaluate(*expression.parts[0], scope).truth();
    case Expression::Kind::kAnd:
    case Expression::Kind::kOr: {
      // The first value that decides, or the last one.
      const bool decides = expression.kind == Expression::Kind::kOr;
      for (size_t i = 0; i + 1 < expression.parts.size(); ++i) {
        Value value = evaluate(*expression.parts[i], scope);
        if (value.truth() == decides) return value;
      }
      return evaluate(*expression.parts.back(), scope);
    }
    case Expression::Kind::kBinary:
      return evaluate_chain(expression, scope);
    case Expression::Kind::kCompare:
      return evaluate_comparison(expression, scope);
    case Expression::Kind::kConditional:
      if (evaluate(*expression.parts[1], scope).truth()) return evaluate(*expression.parts[0], scope);
      if (expression.parts[2] != nullptr) return evaluate(*expression.parts[2], scope);
      return Value::undefined("the inline if-expression evaluated to false and no else section was defined");
  }
  return nullptr;
}

Value Evaluator::evaluate_name(const Expression& expression, const ScopePtr& scope) {
  if (const Value* value = scope->find(expression.name)) return *value;
  std::string hint = str("'", std::string_view(expression.name).substr(0, 100), "' is undefined");
  meter_.make(hint.size());
  return Value::undefined(std::move(hint));
}

Value Evaluator::evaluate_list(const Expression& expression, const ScopePtr& scope) {
  List values;
  values.reserve(expression.parts.size());
  for (const auto& part : expression.parts) values.push_back(evaluate(*part, scope));
  return list(std::move(values), expression.kind == Expression::Kind::kList ? Kind::kList : Kind::kTuple);
}

Value Evaluator::evaluate_dict(const Expression& expression, const ScopePtr& scope) {
  Dict members;
  for (size_t i = 0; i < expression.parts.size(); i += 2) {
    Value key = evaluate(*expression.parts[i], scope);
    if (!Dict::may_be_key(key)) refuse(str("unhashable type: '", key.type_name(), "'"));
    members.set(std::move(key), evaluate(*expression.parts[i + 1], scope));
  }
  return dict(std::move(members));
}

Value Evaluator::evaluate_slice(const Expression& expression, const ScopePtr& scope) {
  const auto part = [&](size_t i) {
    return expression.parts[i] == nullptr ? Value(nullptr) : evaluate(*expression.parts[i], scope);
  };
  const Value object = part(0);
  const Value begin = part(1);
  const Value end = part(2);
  return slice(object, begin, end, part(3));
}

Arguments Evaluator::arguments(const Expression& expression, const ScopePtr& scope) {
  Arguments given;
  for (size_t i = 1; i < expression.parts.size(); ++i)
    given.positional.push_back(evaluate(*expression.parts[i], scope));
  if (expression.named == nullptr) return given;
  const Expression::Named& named = *expression.named;
  for (const auto& [name, value] : named.arguments) given.named.emplace_back(name, evaluate(*value, scope));
  if (named.more != nullptr) {
    const Items more = iterate(evaluate(*named.more, scope));
    meter_.make(more.size() * sizeof(Value));
    given.positional.insert(given.positional.end(), more.begin(), more.end());
  }
  if (named.more_named != nullptr) {
    const Value more = evaluate(*named.more_named, scope);
    if (!more.is_mapping()) refuse(str("argument after ** must be a mapping, not ", more.type_name()));
    meter_.make(more.members().size() * sizeof(given.named[0]));
    for (const auto& [key, value] : more.members().members()) {
      if (!key.is_string()) refuse("keywords must be strings");
      given.named.emplace_back(key.string(), value);
    }
  }
  return given;
}

Value Evaluator::evaluate_call(const Expression& expression, const ScopePtr& scope) {
  const Value function = evaluate(*expression.parts[0], scope);
  return call(function, arguments(expression, scope));
}

Value Evaluator::evaluate_filter(const Expression& expression, const ScopePtr& scope) {
  const Value input = evaluate(*expression.parts[0], scope);
  return apply_filter(expression.name, input, arguments(expression, scope));
}

// A block's filters are a chain whose innermost one takes what the block prints.
Value Evaluator::block_filtered(const Expression& filter, const Value& input, const ScopePtr& scope) {
  const Value value = filter.parts[0] == nullptr ? input : block_filtered(*filter.parts[0], input, scope);
  return apply_filter(filter.name, value, arguments(filter, scope));
}

Value Evaluator::evaluate_test(const Expression& expression, const ScopePtr& scope) {
  const Value input = evaluate(*expression.parts[0], scope);
  return apply_test(expression.name, input, arguments(expression, scope));
}

Value Evaluator::evaluate_sign(const Expression& expression, const ScopePtr& scope) {
  const bool negates = expression.kind == Expression::Kind::kNegate;
  const Value value = evaluate(*expression.parts[0], scope);
  if (value.is_undefined()) refuse(value.hint());
  if (!value.is_number())
    refuse(str("bad operand type for unary ", negates ? "-" : "+", ": '", value.type_name(), "'"));
  if (value.is(Kind::kFloat)) return negates ? -value.number() : value.number();
  return negates ? binary(*this, Operator::kSubtract, int64_t{0}, value) : Value(value.integer());
}

Value Evaluator::evaluate_chain(const Expression& expression, const ScopePtr& scope) {
  Value result = evaluate(*expression.parts[0], scope);
  for (size_t i = 0; i < expression.operators.size(); ++i) {
    const Value right = evaluate(*expression.parts[i + 1], scope);
    result = binary(*this, expression.operators[i], result, right);
  }
  return result;
}

Value Evaluator::evaluate_comparison(const Expression& expression, const ScopePtr& scope) {
  Value left = evaluate(*expression.parts[0], scope);
  for (size_t i = 0; i < expression.operators.size(); ++i) {
    Value right = evaluate(*expression.parts[i + 1], scope);
    if (!compare(*this, expression.operators[i], left, right)) return false;
    left = std::move(right);
  }
  return true;
}

Value Evaluator::call(const Value& function, const Arguments& given) {
  const Meter::Level level(meter_);
  if (function.is(Kind::kCallable)) return function.callable().function(*this, given);
  if (function.is(Kind::kLoop)) return call_loop(*function.loop(), given);
  if (function.is_undefined()) refuse(function.hint());
  refuse(str("'", function.type_name(), "' object is not callable"));
}

Value Evaluator::apply_filter(std::string_view name, const Value& input, const Arguments& given) {
  const Operation* filter = find_filter(name);
  if (filter == nullptr) refuse(str("No filter named '", name.substr(0, 100), "'."));
  return perform(*filter, *this, input, given);
}

bool Evaluator::apply_test(std::string_view name, const Value& input, const Arguments& given) {
  const Operation* test = find_test(name);
  if (test == nullptr) refuse(str("No test named '", name.substr(0, 100), "'."));
  return perform(*test, *this, input, given).truth();
}

}  // namespace kinglet::text::jinja
