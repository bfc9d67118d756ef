// fmt.Sprintf, for the verbs that have a meaning for values of templates.
#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/base.h"
#include "model/text/go/evaluator.h"
#include "model/text/go/functions.h"
#include "model/text/go/printing.h"
#include "model/text/utf8.h"

namespace kinglet::text::go {
namespace {

using Kind = Value::Kind;

constexpr int kMaxWidth = 10'000;

struct Form {
  bool minus = false;
  bool plus = false;
  bool space = false;
  bool zero = false;
  int width = 0;
  int precision = -1;
};

size_t n_characters(std::string_view text) {
  size_t n = 0;
  for (size_t i = 0; i < text.size(); i += code_point_at(text, i).length) ++n;
  return n;
}

std::string first_characters(std::string_view text, size_t n) {
  size_t end = 0;
  for (; n > 0 && end < text.size(); --n) end += code_point_at(text, end).length;
  return std::string(text.substr(0, end));
}

// A text as a constant of Go.
std::string quoted(std::string_view text) {
  constexpr std::string_view kEscaped = "\a\b\f\n\r\t\v\\\"";
  constexpr std::string_view kLetters = "abfnrtv\\\"";
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    const size_t at = kEscaped.find(text[i]);
    const auto byte = static_cast<uint8_t>(text[i]);
    if (at != std::string_view::npos) {
      out += str('\\', kLetters[at]);
    } else if (!point.valid || byte < 0x20 || byte == 0x7F) {
      out += str("\\x", kHex[byte >> 4], kHex[byte & 15]);
    } else {
      out += text.substr(i, point.length);
    }
    i += point.length;
  }
  out += '"';
  return out;
}

class Formatter {
 public:
  Formatter(Evaluator& evaluator, std::span<const Value> arguments)
      : evaluator_(evaluator), format_(arguments[0].string()), arguments_(arguments.subspan(1)) {}

  std::string run() {
    while (at_ < format_.size()) {
      const size_t percent = std::min(format_.find('%', at_), format_.size());
      put(format_.substr(at_, percent - at_));
      at_ = percent;
      if (at_ < format_.size()) verb();
    }
    if (next_ >= arguments_.size()) return std::move(out_);
    put("%!(EXTRA ");
    for (size_t i = next_; i < arguments_.size(); ++i) put(str(i > next_ ? ", " : "", typed(arguments_[i])));
    put(")");
    return std::move(out_);
  }

 private:
  void put(std::string_view text) {
    evaluator_.meter().make(text.size());
    out_ += text;
  }
  std::string print(const Value& value) { return printed(evaluator_.meter(), value); }
  // "int=5", as messages inside the text have it.
  std::string typed(const Value& value) {
    return value.is_none() ? "<nil>" : str(value.type_name(), '=', print(value));
  }

  int number() {
    int value = 0;
    for (; at_ < format_.size() && format_[at_] >= '0' && format_[at_] <= '9'; ++at_) {
      value = std::min(value * 10 + (format_[at_] - '0'), kMaxWidth + 1);
    }
    if (value > kMaxWidth) evaluator_.refuse(str("printf: a width over ", kMaxWidth));
    return value;
  }

  void verb() {
    Form form;
    for (++at_; at_ < format_.size(); ++at_) {
      const char c = format_[at_];
      if (c == '-')
        form.minus = true;
      else if (c == '+')
        form.plus = true;
      else if (c == ' ')
        form.space = true;
      else if (c == '0')
        form.zero = true;
      else
        break;
    }
    form.width = number();
    if (at_ < format_.size() && format_[at_] == '.') {
      ++at_;
      form.precision = number();
    }
    if (at_ >= format_.size()) return put("%!(NOVERB)");
    const char c = format_[at_++];
    if (c == '%') return put("%");
    if (std::string_view("vsdtqxXfFeEgGcUobT").find(c) == std::string_view::npos) {
      evaluator_.refuse(str("printf: the verb %", first_characters(format_.substr(at_ - 1), 1), " is not supported"));
    }
    if (next_ >= arguments_.size()) return put(str("%!", c, "(MISSING)"));
    padded(formatted(c, form, arguments_[next_++]), form);
  }

  void padded(std::string text, const Form& form) {
    const size_t n = n_characters(text);
    const auto width = static_cast<size_t>(form.width);
    if (n < width && form.minus) {
      text.append(width - n, ' ');
    } else if (n < width && form.zero) {
      const bool has_sign = !text.empty() && (text[0] == '-' || text[0] == '+');
      text.insert(has_sign ? 1 : 0, width - n, '0');
    } else if (n < width) {
      text.insert(0, width - n, ' ');
    }
    put(text);
  }

  static std::string with_sign(std::string_view digits, const Form& form) {
    if (digits.starts_with('-') || (!form.plus && !form.space)) return std::string(digits);
    return str(form.plus ? '+' : ' ', digits);
  }

  std::string formatted(char verb, const Form& form, const Value& value) {
    if (verb == 'T') return std::string(value.is_none() ? "<nil>" : value.type_name());
    if (verb == 'v') {
      const bool is_number = value.is(Kind::kInt) || value.is(Kind::kFloat);
      return is_number ? with_sign(print(value), form) : print(value);
    }
    switch (value.kind()) {
      case Kind::kBool:
        if (verb == 't') return print(value);
        break;
      case Kind::kInt:
        if (std::string_view("dxXobcUq").find(verb) != std::string_view::npos)
          return whole(verb, form, value.integer());
        break;
      case Kind::kFloat:
        if (std::string_view("fFeEgG").find(verb) != std::string_view::npos)
          return floating(verb, form, value.number());
        break;
      case Kind::kNone:
        break;
      default:
        if (value.is_string() || value.style() == Style::kJson || value.style() == Style::kType) {
          return text(verb, form, value);
        }
        return list_formatted(verb, value);
    }
    return value.is_none() ? str("%!", verb, "(<nil>)") : str("%!", verb, '(', typed(value), ')');
  }

  // The elements would be formatted one by one.
  std::string list_formatted(char verb, const Value& value) {
    if (verb == 's') return print(value);
    evaluator_.refuse(str("printf: the verb %", verb, " is not supported for a ", value.type_name()));
  }

  std::string text(char verb, const Form& form, const Value& value) {
    std::string text = print(value);
    if (form.precision >= 0) text = first_characters(text, static_cast<size_t>(form.precision));
    if (verb == 's') return text;
    if (verb == 'q') return quoted(text);
    if (verb != 'x' && verb != 'X') return str("%!", verb, "(string=", text, ')');
    std::string out;
    const std::string_view digits = verb == 'x' ? "0123456789abcdef" : "0123456789ABCDEF";
    for (const char c : text) {
      out += digits[static_cast<uint8_t>(c) >> 4];
      out += digits[static_cast<uint8_t>(c) & 15];
    }
    return out;
  }

  static std::string whole(char verb, const Form& form, int64_t value) {
    if (verb == 'c' || verb == 'q') {
      std::string out;
      append_utf8(out, value >= 0 && value <= 0x10FFFF ? static_cast<uint32_t>(value) : 0xFFFD);
      return verb == 'c' ? out : str('\'', out, '\'');
    }
    std::array<char, 70> digits;
    const int base = verb == 'd' ? 10 : verb == 'o' ? 8 : verb == 'b' ? 2 : 16;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base);
    std::string out(digits.data(), end.ptr);
    if (verb == 'X' || verb == 'U') {
      std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
    }
    if (verb == 'U') return str("U+", std::string(4 - std::min<size_t>(out.size(), 4), '0'), out);
    return with_sign(out, form);
  }

  static std::string floating(char verb, const Form& form, double value) {
    const bool is_g = verb == 'g' || verb == 'G';
    if (is_g && form.precision < 0) return with_sign(float_text(value, 6), form);
    const auto format = verb == 'e' || verb == 'E' ? std::chars_format::scientific
                        : is_g                     ? std::chars_format::general
                                                   : std::chars_format::fixed;
    std::string digits(400 + static_cast<size_t>(kMaxWidth), '\0');
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, format,
                                   form.precision < 0 ? 6 : form.precision);
    digits.resize(static_cast<size_t>(end.ptr - digits.data()));
    if (verb == 'E' || verb == 'G') std::ranges::replace(digits, 'e', 'E');
    return with_sign(digits, form);
  }

  Evaluator& evaluator_;
  std::string_view format_;
  std::span<const Value> arguments_;
  size_t at_ = 0;
  size_t next_ = 0;
  std::string out_;
};

}  // namespace

Value print_formatted(Evaluator& evaluator, std::span<const Value> arguments) {
  if (!arguments[0].is_string()) {
    evaluator.refuse(str("wrong type for value; expected string; got ", arguments[0].type_name()));
  }
  return Value(Formatter(evaluator, arguments).run());
}

}  // namespace kinglet::text::go
