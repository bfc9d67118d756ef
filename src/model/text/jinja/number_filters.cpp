// Filters of numbers.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "core/base/base.h"
#include "model/text/jinja/letters.h"
#include "model/text/jinja/number_text.h"
#include "model/text/jinja/operation.h"
#include "model/text/jinja/operators.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

// Digits as Python's int() and float() take them: blanks around, a sign, single underscores between.
std::string plain_digits(std::string_view text) {
  std::string digits(stripped(text, ""));
  for (size_t i = digits.size(); i-- > 0;) {
    if (digits[i] != '_') continue;
    if (i == 0 || i + 1 == digits.size() || digits[i - 1] == '_' || digits[i + 1] == '_') return "";
    digits.erase(i, 1);
  }
  if (digits.starts_with('+') && digits.size() > 1 && digits[1] != '-') digits.erase(0, 1);
  return digits;
}

std::optional<int64_t> parsed_integer(std::string_view text, int base) {
  std::string digits = plain_digits(text);
  const size_t sign = digits.starts_with('-') ? 1 : 0;
  const std::string prefix = digits.substr(sign, 2);
  const int named = prefix == "0x" || prefix == "0X"   ? 16
                    : prefix == "0o" || prefix == "0O" ? 8
                    : prefix == "0b" || prefix == "0B" ? 2
                                                       : 0;
  if (named != 0 && (base == named || base == 0)) {
    digits.erase(sign, 2);
    base = named;
  }
  int64_t number = 0;
  const auto [end, status] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, base == 0 ? 10 : base);
  if (digits.empty() || status != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::optional<double> parsed_float(std::string_view text) {
  const std::string digits = plain_digits(text);
  double number = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || end != digits.data() + digits.size()) return std::nullopt;
  if (status == std::errc::result_out_of_range) {
    // Too large or too small for a double; which one, the exponent says.
    const bool is_small =
        digits.find("e-") != std::string::npos || digits.find("E-") != std::string::npos || digits.find('0') == 0;
    return std::copysign(is_small ? 0.0 : std::numeric_limits<double>::infinity(),
                         digits.starts_with('-') ? -1.0 : 1.0);
  }
  return status == std::errc() ? std::optional(number) : std::nullopt;
}

Value to_int(const Call& call) {
  const Value otherwise = call[0] == nullptr ? Value(int64_t{0}) : *call[0];
  const Value& value = call.input;
  if (value.is_undefined()) call.evaluator.refuse(value.hint());
  if (value.is_integral()) return value.integer();
  const int64_t base = call.integer(1, 10);
  if (base != 0 && (base < 2 || base > 36)) return otherwise;
  std::optional<double> number;
  if (value.is(Kind::kFloat)) number = value.number();
  if (value.is_string()) {
    if (const auto whole = parsed_integer(value.string(), static_cast<int>(base))) return *whole;
    number = parsed_float(value.string());
  }
  if (!number || !std::isfinite(*number)) return otherwise;
  if (std::abs(*number) >= 0x1p63) call.evaluator.refuse("int: the number is over 64 bits");
  return static_cast<int64_t>(*number);
}

Value to_float(const Call& call) {
  const Value& value = call.input;
  if (value.is_undefined()) call.evaluator.refuse(value.hint());
  if (value.is_number()) return value.number();
  const std::optional<double> number = value.is_string() ? parsed_float(value.string()) : std::nullopt;
  if (number) return *number;
  return call[0] == nullptr ? Value(0.0) : *call[0];
}

Value round(const Call& call) {
  const Value& value = call.input;
  if (value.is_undefined()) call.evaluator.refuse(value.hint());
  const int64_t precision = call.integer(0, 0);
  const std::string how = call.text(1, "common");
  if (how != "common" && how != "ceil" && how != "floor") call.evaluator.refuse("method must be common, ceil or floor");
  if (!value.is_number()) call.evaluator.refuse(str("round wants a number, not ", value.type_name()));
  const int digits = static_cast<int>(std::clamp<int64_t>(precision, -400, 400));
  if (how == "common") {
    if (value.is_integral() && digits >= 0) return value.integer();
    const double result = rounded(value.number(), digits);
    return value.is_integral() && std::abs(result) < 0x1p63 ? Value(static_cast<int64_t>(result)) : Value(result);
  }
  const double factor = std::pow(10.0, digits);
  const double scaled = value.number() * factor;
  // Python rounds to a whole number, which has no negative zero.
  return (how == "ceil" ? std::ceil(scaled) + 0.0 : std::floor(scaled)) / factor;
}

Value absolute(const Call& call) {
  const Value& value = call.input;
  if (value.is_undefined()) call.evaluator.refuse(value.hint());
  if (value.is(Kind::kFloat)) return std::abs(value.number());
  if (!value.is_integral()) call.evaluator.refuse(str("bad operand type for abs(): '", value.type_name(), "'"));
  return value.integer() < 0 ? binary(call.evaluator, Operator::kSubtract, int64_t{0}, value) : Value(value.integer());
}

constexpr std::array kNumberFilters = {
    Operation{"abs", absolute},
    Operation{"float", to_float, {"default"}},
    Operation{"int", to_int, {"default", "base"}},
    Operation{"round", round, {"precision", "method"}},
};
static_assert(is_sorted_by_name(kNumberFilters));

}  // namespace

const Operation* find_number_filter(std::string_view name) { return find_operation(kNumberFilters, name); }

}  // namespace kinglet::text::jinja
