#include "model/text/jinja/formatting.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "core/base/base.h"
#include "model/text/jinja/letters.h"
#include "model/text/jinja/number_text.h"
#include "model/text/jinja/printing.h"
#include "model/text/utf8.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

/// Reads a format from the front.
class FormatReader {
 public:
  FormatReader(Evaluator& evaluator, std::string_view format) : evaluator_(evaluator), rest_(format) {}

  [[nodiscard]] bool is_done() const { return rest_.empty(); }
  [[nodiscard]] char peek() const { return rest_.empty() ? '\0' : rest_[0]; }
  char take() {
    const char c = peek();
    if (!rest_.empty()) rest_.remove_prefix(1);
    return c;
  }
  bool skip(char c) {
    if (peek() != c || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// Up to the first of `ends`, which stays.
  std::string_view until(std::string_view ends) {
    const std::string_view taken = rest_.substr(0, rest_.find_first_of(ends));
    rest_.remove_prefix(taken.size());
    return taken;
  }
  /// A character with all its bytes.
  std::string_view character() {
    const std::string_view taken = rest_.substr(0, rest_.empty() ? 0 : code_point_at(rest_, 0).length);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  [[nodiscard]] char after_character() const {
    const size_t n = rest_.empty() ? 0 : code_point_at(rest_, 0).length;
    return n < rest_.size() ? rest_[n] : '\0';
  }
  /// Digits as a number; 0 where there are none.
  int number() {
    const std::string_view digits = rest_.substr(0, std::min(rest_.find_first_not_of("0123456789"), rest_.size()));
    int value = 0;
    const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (!digits.empty() && (status != std::errc() || value > kMaxFormatWidth)) {
      evaluator_.refuse(str("a width or precision over ", kMaxFormatWidth, " in a format"));
    }
    rest_.remove_prefix(digits.size());
    return value;
  }

 private:
  Evaluator& evaluator_;
  std::string_view rest_;
};

// The values that % takes one after the other, or by name.
class PercentValues {
 public:
  PercentValues(Evaluator& evaluator, const Value& values) : evaluator_(evaluator), values_(values) {}

  Value next() {
    if (!values_.is(Kind::kTuple)) {
      if (used_++ > 0) evaluator_.refuse("not enough arguments for format string");
      return values_;
    }
    if (used_ >= values_.items().size()) evaluator_.refuse("not enough arguments for format string");
    return values_.items()[used_++];
  }
  Value named(std::string_view name) {
    if (!values_.is_mapping()) evaluator_.refuse("format requires a mapping");
    used_ = SIZE_MAX;
    const Value* value = values_.members().find(name);
    if (value == nullptr) evaluator_.refuse(str("format: there is no key '", name.substr(0, 100), "'"));
    return *value;
  }
  int next_size() {
    const Value value = next();
    if (!value.is_integral()) evaluator_.refuse("* wants int");
    if (value.integer() > kMaxFormatWidth)
      evaluator_.refuse(str("a width or precision over ", kMaxFormatWidth, " in a format"));
    return static_cast<int>(std::max<int64_t>(value.integer(), -kMaxFormatWidth));
  }
  void check_all_used() const {
    // What has items by itself may stay unused.
    const bool has_items =
        values_.is(Kind::kList) || values_.is(Kind::kRange) || values_.is_mapping() || values_.is_undefined();
    const bool is_used = values_.is(Kind::kTuple) ? used_ >= values_.items().size() : used_ > 0 || has_items;
    if (!is_used) evaluator_.refuse("not all arguments converted during string formatting");
  }

 private:
  Evaluator& evaluator_;
  const Value& values_;
  size_t used_ = 0;
};

FormatSpec read_percent_spec(FormatReader& in, PercentValues& values) {
  FormatSpec spec;
  for (; std::string_view("-+ 0#").find(in.peek()) != std::string_view::npos && !in.is_done(); in.take()) {
    const char flag = in.peek();
    if (flag == '-') spec.align = '<';
    if (flag == '+' || (flag == ' ' && spec.sign != '+')) spec.sign = flag;
    if (flag == '0') spec.fill.assign(1, '0');
    if (flag == '#') spec.alternate = true;
  }
  spec.width = in.skip('*') ? values.next_size() : in.number();
  if (spec.width < 0) {
    spec.width = -spec.width;
    spec.align = '<';
  }
  if (in.skip('.')) spec.precision = std::max(0, in.skip('*') ? values.next_size() : in.number());
  while (in.peek() == 'l' || in.peek() == 'h' || in.peek() == 'L') in.take();
  spec.type = in.take();
  if (spec.align == '<') spec.fill.assign(1, ' ');
  if (spec.fill == "0") spec.align = '=';
  return spec;
}

std::string percent_text(Evaluator& evaluator, const Value& value, FormatSpec spec, bool is_markup) {
  if (spec.type == 's' || spec.type == 'r' || spec.type == 'a') {
    std::string text = spec.type == 's' ? as_text(evaluator.meter(), value).string() : repr(evaluator.meter(), value);
    if (is_markup && !value.is_markup()) text = escaped(text);
    spec.fill.assign(1, ' ');
    if (spec.align == '=') spec.align = '\0';
    return formatted_text(evaluator, text, spec, '>');
  }
  if (spec.type == 'c' && value.is_string()) {
    if (length(value.string()) != 1) evaluator.refuse("%c requires int or char");
    return formatted_text(evaluator, value.string(), spec, '>');
  }
  if (value.is_undefined()) evaluator.refuse(value.hint());
  if (!value.is_number())
    evaluator.refuse(str("%", spec.type, " format: a real number is required, not ", value.type_name()));
  constexpr std::string_view kWhole = "diu";
  if (kWhole.find(spec.type) != std::string_view::npos) {
    const double number = value.number();
    if (!value.is_integral() && !(std::abs(number) < 0x1p63))
      evaluator.refuse(str("%", spec.type, " format: the number is over 64 bits"));
    spec.type = 'd';
    return formatted_number(evaluator, value.is_integral() ? value : Value(static_cast<int64_t>(number)), spec);
  }
  if (std::string_view("xXoeEfFgGc").find(spec.type) == std::string_view::npos) {
    evaluator.refuse(str("unsupported format character '", spec.type, "'"));
  }
  return formatted_number(evaluator, value, spec);
}

// [[fill]align][sign][#][0][width][grouping][.precision][type]
FormatSpec read_brace_spec(Evaluator& evaluator, std::string_view text, bool is_text) {
  constexpr std::string_view kAligns = "<>^=";
  FormatReader in(evaluator, text);
  FormatSpec spec;
  const auto is_align = [&](char c) { return c != '\0' && kAligns.find(c) != std::string_view::npos; };
  const bool has_fill = is_align(in.after_character());
  if (has_fill) {
    spec.fill = in.character();
    spec.align = in.take();
  } else if (is_align(in.peek())) {
    spec.align = in.take();
  }
  const bool has_sign = in.peek() == '+' || in.peek() == '-' || in.peek() == ' ';
  if (has_sign) spec.sign = in.take();
  spec.alternate = in.skip('#');
  if (in.peek() == '0' && !has_fill) {
    spec.fill.assign(1, '0');
    if (spec.align == '\0') spec.align = is_text ? '<' : '=';
  }
  spec.width = in.number();
  if (in.peek() == ',' || in.peek() == '_') spec.grouping = in.take();
  if (in.skip('.')) spec.precision = in.number();
  spec.type = in.take();
  if (!in.is_done()) evaluator.refuse(str("Invalid format specifier '", text.substr(0, 40), "'"));
  if (is_text && (has_sign || spec.alternate || spec.grouping != '\0' || spec.align == '=')) {
    evaluator.refuse("a sign, '#', '=' or grouping in the format of a text");
  }
  if (spec.grouping == ',' && std::string_view("xXob").find(spec.type) != std::string_view::npos) {
    evaluator.refuse(str("Cannot specify ',' with '", spec.type, "'."));
  }
  return spec;
}

// The value of a field "0.name[key]" or "name"; `next` counts those without a number.
Value field_value(Evaluator& evaluator, std::string_view field, const Arguments& given, size_t& next) {
  FormatReader in(evaluator, field);
  const std::string_view first = in.until(".[");
  const bool is_place = first.find_first_not_of("0123456789") == std::string_view::npos;
  Value value;
  if (is_place) {
    size_t index = first.empty() ? next++ : 0;
    // A number over 64 bits is no place either.
    if (!first.empty() && std::from_chars(first.data(), first.data() + first.size(), index).ec != std::errc()) {
      index = SIZE_MAX;
    }
    if (index >= given.positional.size())
      evaluator.refuse(str("format(): there is no value for {", field.substr(0, 40), "}"));
    value = given.positional[index];
  } else {
    const auto named =
        std::ranges::find(given.named, first, [](const auto& argument) { return std::string_view(argument.first); });
    if (named == given.named.end())
      evaluator.refuse(str("format(): there is no value for {", field.substr(0, 40), "}"));
    value = named->second;
  }
  while (!in.is_done()) {
    if (in.skip('.')) {
      value = evaluator.attribute(value, in.until(".["));
    } else {
      in.skip('[');
      const std::string_view key = in.until("]");
      if (!in.skip(']')) evaluator.refuse("format(): a '[' is not closed");
      int64_t index = 0;
      const auto [end, status] = std::from_chars(key.data(), key.data() + key.size(), index);
      const bool is_index = status == std::errc() && end == key.data() + key.size() && !key.starts_with('-');
      value = evaluator.item(value, is_index ? Value(index) : Value(key));
    }
  }
  return value;
}

// The specification of a field, up to its brace; fields within it are filled in.
std::string brace_spec(Evaluator& evaluator, FormatReader& in, const Arguments& given, size_t& next) {
  std::string spec(in.until("{}"));
  while (in.skip('{')) {
    spec += as_text(evaluator.meter(), field_value(evaluator, in.until("}"), given, next)).string();
    if (!in.skip('}')) evaluator.refuse("expected '}' before end of string");
    spec += in.until("{}");
  }
  return spec;
}

std::string brace_text(Evaluator& evaluator, const Value& value, std::string_view spec_text, bool is_markup) {
  const FormatSpec spec = read_brace_spec(evaluator, spec_text, value.is_string());
  if (value.is_number() && spec.type != 's' && !(value.is(Kind::kBool) && spec_text.empty())) {
    if (value.is_integral() && spec.precision >= 0 &&
        std::string_view("eEfFgG%").find(spec.type) == std::string_view::npos) {
      evaluator.refuse("Precision not allowed in integer format specifier");
    }
    return formatted_number(evaluator, value, spec);
  }
  if (!value.is_string() && !spec_text.empty()) {
    evaluator.refuse(str("unsupported format string passed to ", value.type_name(), ".__format__"));
  }
  if (spec.type != '\0' && spec.type != 's') {
    evaluator.refuse(str("unknown format '", spec.type, "' for a value of type '", value.type_name(), "'"));
  }
  const Value text = as_text(evaluator.meter(), value);
  return formatted_text(evaluator, is_markup && !value.is_markup() ? escaped(text.string()) : text.string(), spec, '<');
}

}  // namespace

Value format_percent(Evaluator& evaluator, const Value& format, const Value& values) {
  PercentValues given(evaluator, values);
  FormatReader in(evaluator, format.string());
  std::string out;
  evaluator.meter().make(format.string().size());
  while (!in.is_done()) {
    out += in.until("%");
    if (!in.skip('%')) break;
    if (in.skip('%')) {
      out += '%';
      continue;
    }
    std::optional<Value> value;
    if (in.skip('(')) {
      value = given.named(in.until(")"));
      if (!in.skip(')')) evaluator.refuse("incomplete format key");
    }
    const FormatSpec spec = read_percent_spec(in, given);
    if (spec.type == '\0') evaluator.refuse("incomplete format");
    evaluator.meter().step();
    out += percent_text(evaluator, value ? *value : given.next(), spec, format.is_markup());
  }
  given.check_all_used();
  return format.is_markup() ? Value::markup(std::move(out)) : Value(std::move(out));
}

Value format_braces(Evaluator& evaluator, const Value& format, const Arguments& arguments) {
  FormatReader in(evaluator, format.string());
  std::string out;
  size_t next = 0;
  evaluator.meter().make(format.string().size());
  while (!in.is_done()) {
    out += in.until("{}");
    if (in.skip('}')) {
      if (!in.skip('}')) evaluator.refuse("Single '}' encountered in format string");
      out += '}';
      continue;
    }
    if (!in.skip('{')) break;
    if (in.skip('{')) {
      out += '{';
      continue;
    }
    evaluator.meter().step();
    Value value = field_value(evaluator, in.until("!:}"), arguments, next);
    if (in.skip('!')) {
      const char conversion = in.take();
      if (conversion != 's' && conversion != 'r' && conversion != 'a')
        evaluator.refuse("format(): the conversion is none of s, r, a");
      value = conversion == 's' ? as_text(evaluator.meter(), value) : Value(repr(evaluator.meter(), value));
    }
    const std::string spec = in.skip(':') ? brace_spec(evaluator, in, arguments, next) : std::string();
    if (!in.skip('}')) evaluator.refuse("expected '}' before end of string");
    out += brace_text(evaluator, value, spec, format.is_markup());
  }
  return format.is_markup() ? Value::markup(std::move(out)) : Value(std::move(out));
}

}  // namespace kinglet::text::jinja
