#include "model/text/jinja/number_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/base/base.h"
#include "model/text/jinja/formatting.h"
#include "model/text/jinja/letters.h"
#include "model/text/jinja/printing.h"
#include "model/text/utf8.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

// A double has no more digits than this before and behind the point.
constexpr int kMaxDigits = 1100;

std::string to_chars(double number, std::chars_format format, int precision) {
  std::array<char, 2 * kMaxDigits> buffer;
  const auto result = precision < 0
                          ? std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, format)
                          : std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, format, precision);
  return {buffer.data(), result.ptr};
}

void check_size(Evaluator& evaluator, std::string_view what, int size) {
  if (size > kMaxFormatWidth) evaluator.refuse(str("a ", what, " over ", kMaxFormatWidth, " in a format"));
  evaluator.meter().make(static_cast<size_t>(std::max(size, 0)));
}

// A float in so many digits where no type is said: as g has it, but "1.0" instead of "1", and with an exponent already
// where there would be no digit behind the point.
std::string short_digits(double magnitude, int precision) {
  const int n = std::clamp(precision, 1, kMaxDigits);
  std::string digits = to_chars(magnitude, std::chars_format::scientific, n - 1);
  const size_t at = std::min(digits.find('e'), digits.size());
  int exponent = 0;
  const size_t sign = at + 1 < digits.size() && digits[at + 1] == '+' ? 2 : 1;
  std::from_chars(digits.data() + std::min(at + sign, digits.size()), digits.data() + digits.size(), exponent);
  if (magnitude != 0 && (exponent < -4 || exponent >= n - 1)) {
    size_t end = at;
    if (digits.find('.') < at) {
      while (digits[end - 1] == '0') --end;
      if (digits[end - 1] == '.') --end;
    }
    return digits.erase(end, at - end);
  }
  digits = to_chars(magnitude, std::chars_format::general, n);
  return digits.find('.') == std::string::npos ? digits + ".0" : digits;
}

// Magnitude of a float by the types e f g %.
std::string float_digits(double magnitude, const FormatSpec& spec) {
  if (std::isnan(magnitude)) return "nan";
  if (std::isinf(magnitude)) return "inf";
  const int precision = spec.precision < 0 ? 6 : spec.precision;
  // Digits that a double does not have are zeros.
  const int exact = std::min(precision, kMaxDigits);
  std::string digits;
  size_t zeros = static_cast<size_t>(precision - exact);
  switch (spec.type | 0x20) {
    case 'e':
      digits = to_chars(magnitude, std::chars_format::scientific, exact);
      digits.insert(std::min(digits.find('e'), digits.size()), std::string(zeros, '0'));
      return digits;
    case 'g':
      return to_chars(magnitude, std::chars_format::general, std::max(exact, 1));
    default:
      digits = to_chars(spec.type == '%' ? magnitude * 100 : magnitude, std::chars_format::fixed, exact);
      return digits + std::string(zeros, '0') + (spec.type == '%' ? "%" : "");
  }
}

std::string integer_digits(uint64_t magnitude, const FormatSpec& spec) {
  const char type = static_cast<char>(spec.type | 0x20);
  const int base = type == 'x' ? 16 : spec.type == 'o' ? 8 : spec.type == 'b' ? 2 : 10;
  std::array<char, 65> buffer;
  const auto [end, status] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), magnitude, base);
  return {buffer.data(), end};
}

// Digits in groups before the point.
std::string grouped(std::string digits, char separator, size_t group) {
  const size_t whole = std::min(digits.find_first_not_of("0123456789abcdef"), digits.size());
  for (size_t at = whole; at > group;) {
    at -= group;
    digits.insert(at, 1, separator);
  }
  return digits;
}

std::string repeated_fill(const FormatSpec& spec, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += spec.fill;
  return out;
}

std::string aligned(std::string_view sign, std::string_view body, const FormatSpec& spec, char standard) {
  const size_t n = length(sign) + length(body);
  const size_t width = static_cast<size_t>(std::max(spec.width, 0));
  const size_t missing = width > n ? width - n : 0;
  const char align = spec.align == '\0' ? standard : spec.align;
  const size_t left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
  if (align == '=') return str(sign, repeated_fill(spec, missing), body);
  return str(repeated_fill(spec, left), sign, body, repeated_fill(spec, missing - left));
}

bool is_one_of(char type, std::string_view types) { return type != '\0' && types.find(type) != std::string_view::npos; }

}  // namespace

std::string formatted_number(Evaluator& evaluator, const Value& number, const FormatSpec& spec) {
  check_size(evaluator, "width", spec.width);
  check_size(evaluator, "precision", spec.precision);
  bool is_negative = false;
  std::string digits;
  if (is_one_of(spec.type, "eEfFgG%") || (number.is(Kind::kFloat) && spec.type == '\0')) {
    const double value = number.number();
    is_negative = std::signbit(value) && !std::isnan(value);
    if (spec.alternate) evaluator.refuse("'#' in the format of a float is not supported");
    if (spec.type == '\0') {
      const bool is_short = spec.precision >= 0 && std::isfinite(value);
      digits = is_short ? short_digits(std::abs(value), spec.precision) : float_repr(std::abs(value));
    } else {
      digits = float_digits(std::abs(value), spec);
    }
  } else if (number.is_integral() && (spec.type == '\0' || is_one_of(spec.type, "dixXobcu"))) {
    const int64_t value = number.integer();
    if (spec.type == 'c') {
      if (value < 0 || value > 0x10FFFF) evaluator.refuse("%c arg not in range(0x110000)");
      std::string character;
      append_utf8(character, static_cast<uint32_t>(value));
      return formatted_text(evaluator, character, spec, '<');
    }
    is_negative = value < 0;
    const auto bits = static_cast<uint64_t>(value);
    digits = integer_digits(is_negative ? 0 - bits : bits, spec);
    if (spec.precision > 0 && digits.size() < static_cast<size_t>(spec.precision)) {
      digits.insert(0, static_cast<size_t>(spec.precision) - digits.size(), '0');
    }
  } else {
    evaluator.refuse(str("unknown format '", spec.type, "' for a value of type '", number.type_name(), "'"));
  }
  if (spec.grouping != '\0') digits = grouped(std::move(digits), spec.grouping, is_one_of(spec.type, "xXob") ? 4 : 3);
  std::string sign = is_negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  if (spec.alternate && is_one_of(spec.type, "xXob")) sign += str('0', spec.type);
  if (is_one_of(spec.type, "XEFG"))
    std::ranges::transform(digits, digits.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return aligned(sign, digits, spec, '>');
}

std::string formatted_text(Evaluator& evaluator, std::string_view text, const FormatSpec& spec, char standard) {
  check_size(evaluator, "width", spec.width);
  if (spec.precision >= 0) text = text.substr(0, offset_of(text, static_cast<size_t>(spec.precision)));
  evaluator.meter().make(text.size());
  return aligned("", text, spec, standard);
}

double rounded(double number, int digits) {
  if (!std::isfinite(number) || digits > 340) return number;
  if (digits >= 0) {
    const std::string text = to_chars(number, std::chars_format::fixed, digits);
    double result = number;
    std::from_chars(text.data(), text.data() + text.size(), result);
    return result;
  }
  if (digits < -310) return std::copysign(0.0, number);
  const double unit = std::pow(10.0, -digits);
  return std::nearbyint(number / unit) * unit;
}

}  // namespace kinglet::text::jinja
