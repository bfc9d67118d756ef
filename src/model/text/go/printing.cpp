#include "model/text/go/printing.h"

#include <array>
#include <charconv>
#include <cmath>

#include "core/base/base.h"
#include "model/text/utf8.h"

namespace kinglet::text::go {
namespace {

using Kind = Value::Kind;
using jinja::Meter;

constexpr int kPrintedExponent = 6;  // from there on, and below 1e-4, numbers are printed with an exponent

class Printer {
 public:
  explicit Printer(Meter& meter) : meter_(meter) {}

  void print(const Value& value) {
    meter_.step();
    if (value.style() == Style::kJson) return put(to_json(meter_, value));
    switch (value.kind()) {
      case Kind::kNone:
        return put("<nil>");
      case Kind::kBool:
        return put(value.boolean() ? "true" : "false");
      case Kind::kInt:
        return put(str(value.integer()));
      case Kind::kFloat:
        return put(float_text(value.number(), kPrintedExponent));
      case Kind::kString:
        return put(value.string());
      case Kind::kList:
        if (value.style() == Style::kType && value.items().empty()) return;
        if (value.style() == Style::kType && value.items().size() == 1) return print(value.items()[0]);
        return print_list(value);
      case Kind::kMap:
        return print_members(value, "map[", ']', true);
      case Kind::kStruct:
        return print_members(value, "{", '}', false);
    }
  }

  std::string out;

 private:
  void put(std::string_view text) {
    meter_.make(text.size());
    out += text;
  }
  void print_list(const Value& value) {
    put("[");
    for (size_t i = 0; i < value.items().size(); ++i) {
      if (i > 0) put(" ");
      print(value.items()[i]);
    }
    put("]");
  }
  void print_members(const Value& value, std::string_view open, char close, bool with_names) {
    put(open);
    for (size_t i = 0; i < value.members().size(); ++i) {
      const Member& member = value.members()[i];
      if (i > 0) put(" ");
      if (with_names) put(str(member.name, ':'));
      print(member.value);
    }
    put(std::string_view(&close, 1));
  }

  Meter& meter_;
};

class JsonWriter {
 public:
  explicit JsonWriter(Meter& meter) : meter_(meter) {}

  void write(const Value& value) {
    meter_.step();
    switch (value.kind()) {
      case Kind::kNone:
        return put("null");
      case Kind::kBool:
        return put(value.boolean() ? "true" : "false");
      case Kind::kInt:
        return put(str(value.integer()));
      case Kind::kFloat:
        return put(float_json(value.number()));
      case Kind::kString:
        return write_string(value.string());
      case Kind::kList:
        if (value.style() == Style::kType && value.items().size() == 1) return write(value.items()[0]);
        return write_list(value);
      case Kind::kMap:
      case Kind::kStruct:
        return write_object(value);
    }
  }

  std::string out;

 private:
  void put(std::string_view text) {
    meter_.make(text.size());
    out += text;
  }

  // As ECMAScript has it, but for two digits of an exponent.
  static std::string float_json(double number) {
    std::string text = float_text(number, 21);
    const double size = std::fabs(number);
    if (size != 0 && size < 1e-4 && size >= 1e-6) {
      std::array<char, 64> digits;
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::fixed);
      return {digits.data(), end.ptr};
    }
    // 1e-09 becomes 1e-9.
    if (const size_t at = text.find("e-0"); at != std::string::npos) text.erase(at + 2, 1);
    return text;
  }

  void write_list(const Value& value) {
    put("[");
    for (size_t i = 0; i < value.items().size(); ++i) {
      if (i > 0) put(",");
      write(value.items()[i]);
    }
    put("]");
  }

  void write_object(const Value& value) {
    put("{");
    bool first = true;
    for (const Member& member : value.members()) {
      if (member.omits_empty && !(member.value.truth())) continue;
      if (!std::exchange(first, false)) put(",");
      write_string(member.json_name.empty() ? member.name : member.json_name);
      put(":");
      write(member.value);
    }
    put("}");
  }

  void write_string(std::string_view text) {
    meter_.make(text.size() + 2);
    out += '"';
    for (size_t i = 0; i < text.size();) {
      const CodePoint point = code_point_at(text, i);
      write_character(text.substr(i, point.length), point);
      i += point.length;
    }
    out += '"';
  }

  void write_character(std::string_view bytes, CodePoint point) {
    constexpr std::string_view kEscaped = "\"\\\n\r\t\b\f";
    constexpr std::string_view kLetters = "\"\\nrtbf";
    const uint32_t c = point.value;
    const size_t at = c < 0x80 ? kEscaped.find(static_cast<char>(c)) : std::string_view::npos;
    if (at != std::string_view::npos) {
      out += '\\';
      out += kLetters[at];
    } else if (!point.valid) {
      write_unit(0xFFFD);
    } else if (c < 0x20 || c == '<' || c == '>' || c == '&' || c == 0x2028 || c == 0x2029) {
      write_unit(c);
    } else {
      out += bytes;
    }
  }

  void write_unit(uint32_t unit) {
    constexpr std::string_view kHex = "0123456789abcdef";
    meter_.make(6);
    out += "\\u";
    for (unsigned shift = 16; shift > 0; shift -= 4) out += kHex[(unit >> (shift - 4)) & 15U];
  }

  Meter& meter_;
};

}  // namespace

std::string float_text(double number, int least_exponent) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "+Inf" : "-Inf";
  std::array<char, 400> digits;
  const auto form = [&](std::chars_format format) {
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, format);
    return std::string(digits.data(), end.ptr);
  };
  std::string scientific = form(std::chars_format::scientific);
  int exponent = 0;
  const size_t at = scientific.find('e');
  const char* const start = scientific.data() + at + (scientific[at + 1] == '+' ? 2 : 1);
  std::from_chars(start, scientific.data() + scientific.size(), exponent);
  return exponent < -4 || exponent >= least_exponent ? scientific : form(std::chars_format::fixed);
}

std::string printed(Meter& meter, const Value& value) {
  Printer printer(meter);
  printer.print(value);
  return std::move(printer.out);
}

std::string to_json(Meter& meter, const Value& value) {
  JsonWriter writer(meter);
  writer.write(value);
  return std::move(writer.out);
}

}  // namespace kinglet::text::go
