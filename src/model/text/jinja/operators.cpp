// Operators and access, as Python objects under Jinja's sandbox have them.
#include <algorithm>
#include <cmath>

#include "core/base/base.h"
#include "model/text/jinja/evaluator.h"
#include "model/text/utf8.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

// printf-style formatting: %s %r %d %i %f %e %g %x %X %o %c %% with flags, width and precision.
std::string format_percent(Evaluator& evaluator, const std::string& format, const Value& values) {
  const List list = values.is(Kind::kTuple) ? values.items() : List{values};
  size_t next = 0;
  std::string out;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    if (++i >= format.size()) evaluator.refuse("incomplete format");
    if (format[i] == '%') {
      out += '%';
      continue;
    }
    Value value;
    if (format[i] == '(') {
      const size_t close = format.find(')', i);
      if (close == std::string::npos || !values.is_mapping()) evaluator.refuse("format requires a mapping");
      value = evaluator.item(values, format.substr(i + 1, close - i - 1));
      i = close + 1;
      next = list.size();
    }
    std::string flags;
    while (i < format.size() && std::string_view("-+ 0#").find(format[i]) != std::string_view::npos) flags += format[i++];
    size_t width = 0;
    while (i < format.size() && format[i] >= '0' && format[i] <= '9' && width < 10000) width = width * 10 + static_cast<size_t>(format[i++] - '0');
    int precision = -1;
    if (i < format.size() && format[i] == '.') {
      precision = 0;
      for (++i; i < format.size() && format[i] >= '0' && format[i] <= '9' && precision < 1000; ++i) precision = precision * 10 + (format[i] - '0');
    }
    if (i >= format.size()) evaluator.refuse("incomplete format");
    if (value.is_undefined() && !values.is_mapping()) {
      if (next >= list.size()) evaluator.refuse("not enough arguments for format string");
      value = list[next++];
    }
    std::string text;
    const char kind = format[i];
    if (kind == 's' || kind == 'r') {
      text = kind == 's' ? to_text(value) : to_repr(value);
      if (precision >= 0) {
        size_t bytes = 0;
        for (int n = 0; n < precision && bytes < text.size(); ++n) bytes += code_point_at(text, bytes).length;
        text.resize(bytes);
      }
    } else if (value.is_number()) {
      const bool is_integer = std::string_view("dixXo").find(kind) != std::string_view::npos;
      if (!is_integer && std::string_view("feEgGF").find(kind) == std::string_view::npos) evaluator.refuse(str("unsupported format character '", kind, "'"));
      char spec[16];
      char buffer[512];
      const std::string signs = flags.find('+') != std::string::npos ? "+" : "";
      if (is_integer) {
        std::snprintf(spec, sizeof(spec), "%%%sll%c", signs.c_str(), kind);
        const auto number = static_cast<long long>(value.is(Kind::kFloat) ? static_cast<int64_t>(value.number()) : value.integer());
        std::snprintf(buffer, sizeof(buffer), spec, number);
      } else {
        std::snprintf(spec, sizeof(spec), "%%%s.*%c", signs.c_str(), kind);
        std::snprintf(buffer, sizeof(buffer), spec, precision < 0 ? 6 : std::min(precision, 100), value.number());
      }
      text = buffer;
    } else {
      evaluator.refuse(str("%", kind, " format: a real number is required, not ", value.type_name()));
    }
    const size_t n = text.size();
    if (n < width) {
      const std::string fill(width - n, flags.find('0') != std::string::npos && kind != 's' ? '0' : ' ');
      text = flags.find('-') != std::string::npos ? text + fill : fill + text;
    }
    evaluator.spend(text.size());
    out += text;
  }
  if (next < list.size() && !values.is_mapping()) evaluator.refuse("not all arguments converted during string formatting");
  return out;
}

[[noreturn]] void refuse_operands(Evaluator& evaluator, std::string_view op, const Value& left, const Value& right) {
  if (left.is_undefined()) evaluator.refuse(left.hint());
  if (right.is_undefined()) evaluator.refuse(right.hint());
  evaluator.refuse(str("unsupported operand type(s) for ", op, ": '", left.type_name(), "' and '", right.type_name(), "'"));
}

Value integer_operation(Evaluator& evaluator, std::string_view op, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflow = false;
  if (op == "+") overflow = __builtin_add_overflow(a, b, &result);
  if (op == "-") overflow = __builtin_sub_overflow(a, b, &result);
  if (op == "*") overflow = __builtin_mul_overflow(a, b, &result);
  if (op == "//" || op == "%") {
    if (b == 0) evaluator.refuse("integer division or modulo by zero");
    if (b == -1) {
      overflow = __builtin_sub_overflow(int64_t{0}, a, &result);
      if (op == "%") return int64_t{0};
    } else {
      // Towards minus infinity, the remainder with the divisor's sign.
      const int64_t quotient = a / b - (a % b != 0 && (a % b < 0) != (b < 0) ? 1 : 0);
      result = op == "//" ? quotient : a - quotient * b;
    }
  }
  if (op == "**") {
    if (b < 0) return std::pow(static_cast<double>(a), static_cast<double>(b));
    result = 1;
    for (int64_t i = 0; i < b && !overflow; ++i) {
      overflow = __builtin_mul_overflow(result, a, &result);
      if (a == 0 || a == 1 || a == -1) {
        result = a == 0 ? 0 : a == 1 || b % 2 == 0 ? 1 : -1;
        break;
      }
    }
  }
  if (overflow) evaluator.refuse(str("the result of ", op, " is over 64 bits"));
  return result;
}

Value float_operation(Evaluator& evaluator, std::string_view op, double a, double b) {
  if (op == "+") return a + b;
  if (op == "-") return a - b;
  if (op == "*") return a * b;
  if (op == "**") return std::pow(a, b);
  if (b == 0) evaluator.refuse("float division by zero");
  if (op == "/") return a / b;
  const double quotient = std::floor(a / b);
  return op == "//" ? quotient : a - quotient * b;
}

Value repeated(Evaluator& evaluator, const Value& value, int64_t times) {
  const auto n = static_cast<size_t>(std::max<int64_t>(0, times));
  const size_t size = value.is_string() ? value.string().size() : value.items().size();
  if (size > 0 && n > evaluator.options().max_spent / size) evaluator.spend(evaluator.options().max_spent + 1);
  evaluator.spend(size * n);
  if (value.is_string()) {
    std::string text;
    text.reserve(size * n);
    for (size_t i = 0; size > 0 && i < n; ++i) text += value.string();
    return text;
  }
  List values;
  for (size_t i = 0; size > 0 && i < n; ++i) values.insert(values.end(), value.items().begin(), value.items().end());
  return Value::list(std::move(values), value.kind());
}

// -1, 0, 1 for numbers, strings and sequences.
int order(Evaluator& evaluator, std::string_view op, const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    if (a.is_integral() && b.is_integral()) return a.integer() < b.integer() ? -1 : a.integer() > b.integer() ? 1 : 0;
    return a.number() < b.number() ? -1 : a.number() > b.number() ? 1 : 0;
  }
  if (a.is_string() && b.is_string()) return a.string() < b.string() ? -1 : a.string() > b.string() ? 1 : 0;
  if (a.is_sequence() && a.kind() == b.kind()) {
    for (size_t i = 0; i < std::min(a.items().size(), b.items().size()); ++i) {
      if (!(a.items()[i] == b.items()[i])) return order(evaluator, op, a.items()[i], b.items()[i]);
    }
    return a.items().size() < b.items().size() ? -1 : a.items().size() > b.items().size() ? 1 : 0;
  }
  if (a.is_undefined()) evaluator.refuse(a.hint());
  if (b.is_undefined()) evaluator.refuse(b.hint());
  evaluator.refuse(str("'", op, "' not supported between instances of '", a.type_name(), "' and '", b.type_name(), "'"));
}

bool contains(Evaluator& evaluator, const Value& container, const Value& value) {
  switch (container.kind()) {
    case Kind::kUndefined:
      return false;
    case Kind::kString:
      if (!value.is_string()) evaluator.refuse(str("'in <string>' requires string as left operand, not ", value.type_name()));
      return container.string().find(value.string()) != std::string::npos;
    case Kind::kDict:
      return container.members().find(value) != nullptr;
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kGenerator:
      return std::ranges::find(container.items(), value) != container.items().end();
    default:
      evaluator.refuse(str("argument of type '", container.type_name(), "' is not iterable"));
  }
}

}  // namespace

Value Evaluator::binary(std::string_view op, const Value& left, const Value& right) {
  if (op == "~") {
    std::string text = to_text(left) + to_text(right);
    spend(text.size());
    return text;
  }
  if (left.is_number() && right.is_number()) {
    if (left.is_integral() && right.is_integral() && op != "/") return integer_operation(*this, op, left.integer(), right.integer());
    return float_operation(*this, op, left.number(), right.number());
  }
  if (op == "+") {
    if (left.is_string() && right.is_string()) {
      spend(left.string().size() + right.string().size());
      return left.string() + right.string();
    }
    if (left.is_sequence() && left.kind() == right.kind() && !left.is(Kind::kGenerator)) {
      List values = left.items();
      values.insert(values.end(), right.items().begin(), right.items().end());
      spend(values.size());
      return Value::list(std::move(values), left.kind());
    }
    if (left.is_string() && !right.is_undefined()) refuse(str("can only concatenate str (not \"", right.type_name(), "\") to str"));
  }
  if (op == "*") {
    const bool left_repeats = (left.is_string() || left.is(Kind::kList) || left.is(Kind::kTuple)) && right.is_integral();
    const bool right_repeats = (right.is_string() || right.is(Kind::kList) || right.is(Kind::kTuple)) && left.is_integral();
    if (left_repeats) return repeated(*this, left, right.integer());
    if (right_repeats) return repeated(*this, right, left.integer());
  }
  if (op == "%" && left.is_string()) return format_percent(*this, left.string(), right);
  refuse_operands(*this, op, left, right);
}

bool Evaluator::compare(std::string_view op, const Value& left, const Value& right) {
  if (op == "==") return left == right;
  if (op == "!=") return !(left == right);
  if (op == "in") return contains(*this, right, left);
  if (op == "not in") return !contains(*this, right, left);
  const int sign = order(*this, op, left, right);
  if (op == "<") return sign < 0;
  if (op == ">") return sign > 0;
  return op == "<=" ? sign <= 0 : sign >= 0;
}

Value Evaluator::attribute(const Value& value, const std::string& name) {
  if (value.is_undefined()) refuse(value.hint());
  if (auto method = find_method(value, name)) return *method;
  if (value.is_mapping() || value.is(Kind::kNamespace)) {
    if (const Value* member = value.members().find_name(name)) return *member;
  }
  return Value::undefined(str("'", value.type_name(), " object' has no attribute '", name, "'"));
}

Value Evaluator::item(const Value& value, const Value& key) {
  if (value.is_undefined()) refuse(value.hint());
  if (value.is_mapping()) {
    if (const Value* member = value.members().find(key)) return *member;
  } else if ((value.is_string() || value.is_sequence()) && key.is_integral()) {
    const List values = value.is_string() ? iterate(value) : List{};
    const List& from = value.is_string() ? values : value.items();
    const auto n = static_cast<int64_t>(from.size());
    const int64_t index = key.integer() < 0 ? key.integer() + n : key.integer();
    if (index >= 0 && index < n) return from[static_cast<size_t>(index)];
  }
  if (key.is_string()) return attribute(value, key.string());
  return Value::undefined(str("'", value.type_name(), " object' has no element ", to_repr(key)));
}

}  // namespace kinglet::text::jinja
