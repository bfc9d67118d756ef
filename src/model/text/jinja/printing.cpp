#include "model/text/jinja/printing.h"

#include <array>
#include <charconv>
#include <cmath>

#include "core/base/base.h"
#include "model/text/jinja/dict.h"
#include "model/text/jinja/letters.h"
#include "model/text/jinja/operation.h"
#include "model/text/jinja/scope.h"
#include "model/text/utf8.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

void append_hex(std::string& out, uint32_t number, int digits) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
    out += kHex[(number >> static_cast<unsigned>(shift)) & 15U];
}

// Writes pieces whose sum a template chooses: each is charged before it is made.
class Writer {
 public:
  explicit Writer(Meter& meter) : meter_(meter) {}

  void write(const Value& value, int depth) {
    meter_.step();
    if (depth > Evaluator::kMaxValueDepth) meter_.refuse(str("values nested deeper than ", Evaluator::kMaxValueDepth));
    switch (value.kind()) {
      case Kind::kUndefined:
        return put("Undefined");
      case Kind::kNone:
        return put("None");
      case Kind::kBool:
        return put(value.truth() ? "True" : "False");
      case Kind::kInt:
        return put(str(value.integer()));
      case Kind::kFloat:
        return put(float_repr(value.number()));
      case Kind::kString:
        return value.is_markup() ? write_markup(value.string()) : write_string(value.string());
      case Kind::kList:
        return write_items("[", value.items(), "]", depth);
      case Kind::kTuple:
        return write_items("(", value.items(), value.items().size() == 1 ? ",)" : ")", depth);
      case Kind::kRange:
        return put(value.label());
      case Kind::kView:
        put(value.label());
        return write_items("([", value.items(), "])", depth);
      case Kind::kGenerator:
        return put("<generator object>");
      case Kind::kDict:
        return write_members(value.members(), depth);
      case Kind::kNamespace:
        put("<Namespace ");
        write_members(value.members(), depth);
        return put(">");
      case Kind::kLoop:
        return put(str("<LoopContext ", value.loop()->at + 1, "/", value.loop()->values.size(), ">"));
      case Kind::kCallable:
        return put(value.callable().label);
    }
  }

  std::string out;

 private:
  void put(std::string_view text) {
    meter_.make(text.size());
    out += text;
  }

  void write_items(std::string_view open, const List& items, std::string_view close, int depth) {
    put(open);
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) put(", ");
      write(items[i], depth + 1);
    }
    put(close);
  }

  void write_members(const Dict& dict, int depth) {
    put("{");
    bool is_first = true;
    for (const auto& [key, value] : dict.members()) {
      if (!std::exchange(is_first, false)) put(", ");
      write(key, depth + 1);
      put(": ");
      write(value, depth + 1);
    }
    put("}");
  }

  void write_markup(std::string_view text) {
    put("Markup(");
    write_string(text);
    put(")");
  }

  // 'text', or "text" where it holds an apostrophe and no quote.
  void write_string(std::string_view text) {
    meter_.make(4 * text.size() + 2);
    const bool has_single = text.find('\'') != std::string_view::npos;
    const bool has_double = text.find('"') != std::string_view::npos;
    const char quote = has_single && !has_double ? '"' : '\'';
    out += quote;
    for (size_t i = 0; i < text.size();) {
      const CodePoint point = code_point_at(text, i);
      write_character(text.substr(i, point.length), point.value, quote);
      i += point.length;
    }
    out += quote;
  }

  void write_character(std::string_view bytes, uint32_t c, char quote) {
    constexpr std::string_view kEscaped = "\\\n\r\t";
    constexpr std::string_view kLetters = "\\nrt";
    const size_t at = c < 0x80 ? kEscaped.find(static_cast<char>(c)) : std::string_view::npos;
    if (at != std::string_view::npos) {
      out += '\\';
      out += kLetters[at];
    } else if (c == static_cast<uint32_t>(quote)) {
      out += '\\';
      out += quote;
    } else if (is_printable(c)) {
      out += bytes;
    } else {
      out += c < 0x100 ? "\\x" : c < 0x10000 ? "\\u" : "\\U";
      append_hex(out, c, c < 0x100 ? 2 : c < 0x10000 ? 4 : 8);
    }
  }

  Meter& meter_;
};

}  // namespace

std::string float_repr(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  std::array<char, 64> buffer;
  const double magnitude = std::abs(number);
  const bool scientific = magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16);
  const auto format = scientific ? std::chars_format::scientific : std::chars_format::fixed;
  const auto [end, status] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, format);
  std::string text(buffer.data(), end);
  if (!scientific && text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string repr(Meter& meter, const Value& value) {
  Writer writer(meter);
  writer.write(value, 0);
  return std::move(writer.out);
}

Value as_text(Meter& meter, const Value& value) {
  if (value.is_string()) return value;
  if (value.is_undefined()) return "";
  return repr(meter, value);
}

}  // namespace kinglet::text::jinja
