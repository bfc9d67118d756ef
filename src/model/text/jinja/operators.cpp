// Arithmetic, concatenation and repetition.
#include "model/text/jinja/operators.h"

#include <algorithm>
#include <cmath>

#include "core/base/base.h"
#include "model/text/jinja/formatting.h"
#include "model/text/jinja/letters.h"
#include "model/text/jinja/printing.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

[[noreturn]] void refuse_operands(Evaluator& evaluator, Operator op, const Value& left, const Value& right) {
  if (left.is_undefined()) evaluator.refuse(left.hint());
  if (right.is_undefined()) evaluator.refuse(right.hint());
  evaluator.refuse(str("unsupported operand type(s) for ", spelling(op), ": '", left.type_name(), "' and '",
                       right.type_name(), "'"));
}

// Squaring; nullopt over 64 bits. b >= 0
std::optional<int64_t> power(int64_t a, int64_t b) {
  int64_t result = 1;
  for (int64_t factor = a;;) {
    if ((b & 1) != 0 && __builtin_mul_overflow(result, factor, &result)) return std::nullopt;
    b >>= 1;
    if (b == 0) return result;
    if (__builtin_mul_overflow(factor, factor, &factor)) return std::nullopt;
  }
}

// b != 0
double floor_modulo(double a, double b) {
  double rest = std::fmod(a, b);
  if (rest != 0 && (b < 0) != (rest < 0)) rest += b;
  return rest != 0 ? rest : std::copysign(0.0, b);
}
double floor_quotient(double a, double b) {
  const double quotient = (a - floor_modulo(a, b)) / b;
  const double whole = std::floor(quotient);
  return quotient - whole > 0.5 ? whole + 1 : whole;
}

Value float_operation(Evaluator& evaluator, Operator op, double a, double b) {
  switch (op) {
    case Operator::kAdd:
      return a + b;
    case Operator::kSubtract:
      return a - b;
    case Operator::kMultiply:
      return a * b;
    case Operator::kPower: {
      if (a == 0 && b < 0) evaluator.refuse("0.0 cannot be raised to a negative power");
      const double result = std::pow(a, b);
      if (std::isinf(result) && std::isfinite(a) && std::isfinite(b))
        evaluator.refuse("the result of ** is too large for a float");
      if (std::isnan(result) && !std::isnan(a) && !std::isnan(b))
        evaluator.refuse("the result of ** is no real number");
      return result;
    }
    default:
      if (b == 0) evaluator.refuse("division by zero");
      return op == Operator::kDivide ? a / b : op == Operator::kModulo ? floor_modulo(a, b) : floor_quotient(a, b);
  }
}

Value integer_operation(Evaluator& evaluator, Operator op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflow = false;
  switch (op) {
    case Operator::kAdd:
      overflow = __builtin_add_overflow(a, b, &result);
      break;
    case Operator::kSubtract:
      overflow = __builtin_sub_overflow(a, b, &result);
      break;
    case Operator::kMultiply:
      overflow = __builtin_mul_overflow(a, b, &result);
      break;
    case Operator::kPower: {
      if (b < 0) return float_operation(evaluator, op, static_cast<double>(a), static_cast<double>(b));
      const std::optional<int64_t> raised = power(a, b);
      overflow = !raised;
      result = raised.value_or(0);
      break;
    }
    case Operator::kFloorDivide:
    case Operator::kModulo:
      if (b == 0) evaluator.refuse("division by zero");
      if (b == -1) {
        overflow = op == Operator::kFloorDivide && __builtin_sub_overflow(int64_t{0}, a, &result);
      } else {
        // Towards minus infinity, the remainder with the divisor's sign.
        const int64_t quotient = a / b - (a % b != 0 && (a % b < 0) != (b < 0) ? 1 : 0);
        result = op == Operator::kFloorDivide ? quotient : a - quotient * b;
      }
      break;
    default:
      return float_operation(evaluator, op, static_cast<double>(a), static_cast<double>(b));
  }
  if (overflow) evaluator.refuse(str("the result of ", spelling(op), " is over 64 bits"));
  return result;
}

bool is_repeatable(const Value& value) { return value.is_string() || value.is(Kind::kList) || value.is(Kind::kTuple); }

Value repeated(Evaluator& evaluator, const Value& value, int64_t times) {
  const auto n = static_cast<size_t>(std::max<int64_t>(0, times));
  const size_t size = value.is_string() ? value.string().size() : value.items().size() * sizeof(Value);
  if (size > 0) evaluator.meter().make(n > SIZE_MAX / size ? SIZE_MAX : n * size);
  if (value.is_string()) {
    std::string text;
    text.reserve(size * n);
    for (size_t i = 0; size > 0 && i < n; ++i) text += value.string();
    return value.is_markup() ? Value::markup(std::move(text)) : Value(std::move(text));
  }
  List values;
  values.reserve(size == 0 ? 0 : value.items().size() * n);
  for (size_t i = 0; size > 0 && i < n; ++i) values.insert(values.end(), value.items().begin(), value.items().end());
  return Value::list(std::move(values), value.kind());
}

// Markup escapes what is added to it.
Value joined(Evaluator& evaluator, const Value& left, const Value& right) {
  const bool is_markup = left.is_markup() || right.is_markup();
  const auto part = [&](const Value& value) {
    return is_markup && !value.is_markup() ? escaped(value.string()) : value.string();
  };
  if (is_markup) evaluator.meter().make(kEscapedGrowth * (left.string().size() + right.string().size()));
  return evaluator.text(part(left) + part(right), is_markup);
}

Value sum(Evaluator& evaluator, const Value& left, const Value& right) {
  if (left.is_string() && right.is_string()) return joined(evaluator, left, right);
  if ((left.is(Kind::kList) || left.is(Kind::kTuple)) && left.kind() == right.kind()) {
    List values;
    evaluator.meter().make((left.items().size() + right.items().size()) * sizeof(Value));
    values.reserve(left.items().size() + right.items().size());
    values.insert(values.end(), left.items().begin(), left.items().end());
    values.insert(values.end(), right.items().begin(), right.items().end());
    return Value::list(std::move(values), left.kind());
  }
  if (left.is_string() && !right.is_undefined()) {
    evaluator.refuse(str("can only concatenate str (not \"", right.type_name(), "\") to str"));
  }
  refuse_operands(evaluator, Operator::kAdd, left, right);
}

}  // namespace

Value binary(Evaluator& evaluator, Operator op, const Value& left, const Value& right) {
  if (op == Operator::kConcatenate) {
    const Value first = as_text(evaluator.meter(), left);
    const Value second = as_text(evaluator.meter(), right);
    evaluator.meter().make(first.string().size() + second.string().size());
    return first.string() + second.string();
  }
  if (left.is_number() && right.is_number()) {
    if (left.is_integral() && right.is_integral())
      return integer_operation(evaluator, op, left.integer(), right.integer());
    return float_operation(evaluator, op, left.number(), right.number());
  }
  if (op == Operator::kAdd) return sum(evaluator, left, right);
  if (op == Operator::kMultiply && is_repeatable(left) && right.is_integral())
    return repeated(evaluator, left, right.integer());
  if (op == Operator::kMultiply && is_repeatable(right) && left.is_integral())
    return repeated(evaluator, right, left.integer());
  if (op == Operator::kModulo && left.is_string()) return format_percent(evaluator, left, right);
  refuse_operands(evaluator, op, left, right);
}

}  // namespace kinglet::text::jinja
