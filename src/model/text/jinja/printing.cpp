// str(), repr() and json.dumps() as Python has them.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/base/base.h"
#include "model/text/jinja/value.h"
#include "model/text/utf8.h"

namespace kinglet::text::jinja {
namespace {

// 'text', or "text" where it holds an apostrophe and no quote.
std::string string_repr(std::string_view text) {
  const bool has_single = text.find('\'') != std::string_view::npos;
  const bool has_double = text.find('"') != std::string_view::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  std::string out(1, quote);
  for (const char c : text) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (c == quote) {
          out += '\\';
          out += c;
        } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) {
          constexpr std::string_view kHex = "0123456789abcdef";
          out += "\\x";
          out += kHex[static_cast<uint8_t>(c) >> 4U];
          out += kHex[static_cast<uint8_t>(c) & 15U];
        } else {
          out += c;
        }
    }
  }
  return out + quote;
}

std::string joined_reprs(const List& values) {
  std::string out;
  for (size_t i = 0; i < values.size(); ++i) out += str(i == 0 ? "" : ", ", to_repr(values[i]));
  return out;
}

void append_hex4(std::string& out, uint32_t unit) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(unit >> static_cast<unsigned>(shift)) & 15U];
}

void append_json_string(std::string& out, std::string_view text, bool ascii) {
  out += '"';
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    const std::string_view bytes = text.substr(i, point.length);
    i += point.length;
    switch (point.value) {
      case '"': out += "\\\""; continue;
      case '\\': out += "\\\\"; continue;
      case '\n': out += "\\n"; continue;
      case '\r': out += "\\r"; continue;
      case '\t': out += "\\t"; continue;
      case '\b': out += "\\b"; continue;
      case '\f': out += "\\f"; continue;
      default: break;
    }
    if (point.value < 0x20 || (ascii && point.value >= 0x7F && point.value < 0x10000)) {
      append_hex4(out, point.value);
    } else if (ascii && point.value >= 0x10000) {
      append_hex4(out, 0xD800 + ((point.value - 0x10000) >> 10U));
      append_hex4(out, 0xDC00 + ((point.value - 0x10000) & 0x3FFU));
    } else {
      out += bytes;
    }
  }
  out += '"';
}

class JsonWriter {
 public:
  explicit JsonWriter(const JsonStyle& style) : style_(style) {}

  void write(const Value& value, int depth) {
    constexpr int kMaxDepth = 256;
    if (depth > kMaxDepth) fail_with(ErrorCode::kInvalidArgument, "tojson: nested deeper than ", kMaxDepth);
    switch (value.kind()) {
      case Value::Kind::kNone: out += "null"; return;
      case Value::Kind::kBool: out += value.truth() ? "true" : "false"; return;
      case Value::Kind::kInt: out += str(value.integer()); return;
      case Value::Kind::kFloat: write_float(value.number()); return;
      case Value::Kind::kString: append_json_string(out, value.string(), style_.ascii); return;
      case Value::Kind::kList:
      case Value::Kind::kTuple: write_list(value.items(), depth); return;
      case Value::Kind::kDict: write_dict(value.members(), depth); return;
      default: fail_with(ErrorCode::kInvalidArgument, "Object of type ", value.type_name(), " is not JSON serializable");
    }
  }

  std::string out;

 private:
  void write_float(double number) {
    out += std::isnan(number) ? "NaN" : std::isinf(number) ? (number > 0 ? "Infinity" : "-Infinity") : float_repr(number);
  }

  // With an indent the item separator's trailing space goes, as json.dumps has it.
  void separate(size_t i, int depth) {
    if (i > 0) out += style_.indent >= 0 && style_.item_separator == ", " ? "," : style_.item_separator;
    line(depth + 1);
  }
  void line(int depth) {
    if (style_.indent < 0) return;
    out += '\n';
    out.append(static_cast<size_t>(style_.indent * depth), ' ');
  }

  void write_list(const List& values, int depth) {
    out += '[';
    for (size_t i = 0; i < values.size(); ++i) {
      separate(i, depth);
      write(values[i], depth + 1);
    }
    if (!values.empty()) line(depth);
    out += ']';
  }

  void write_dict(const Dict& dict, int depth) {
    std::vector<std::pair<std::string, const Value*>> members;
    for (const auto& [key, value] : dict.members) {
      std::string name = key.is_string() ? key.string() : key.is(Value::Kind::kNone) ? "null" : to_text(key);
      if (key.is(Value::Kind::kBool)) name = key.truth() ? "true" : "false";
      members.emplace_back(std::move(name), &value);
    }
    if (style_.sort_keys) std::ranges::stable_sort(members, {}, &std::pair<std::string, const Value*>::first);
    out += '{';
    for (size_t i = 0; i < members.size(); ++i) {
      separate(i, depth);
      append_json_string(out, members[i].first, style_.ascii);
      out += style_.key_separator;
      write(*members[i].second, depth + 1);
    }
    if (!members.empty()) line(depth);
    out += '}';
  }

  const JsonStyle& style_;
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

std::string to_repr(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kUndefined: return "Undefined";
    case Value::Kind::kString: return string_repr(value.string());
    case Value::Kind::kList: return str("[", joined_reprs(value.items()), "]");
    case Value::Kind::kTuple: return str("(", joined_reprs(value.items()), value.items().size() == 1 ? ",)" : ")");
    case Value::Kind::kDict: {
      std::string out = "{";
      for (const auto& [key, member] : value.members().members) {
        out += str(out.size() > 1 ? ", " : "", to_repr(key), ": ", to_repr(member));
      }
      return out + "}";
    }
    case Value::Kind::kGenerator: return "<generator object>";
    case Value::Kind::kNamespace: return "<Namespace>";
    case Value::Kind::kCallable: return "<function>";
    default: return to_text(value);
  }
}

std::string to_text(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kUndefined: return "";
    case Value::Kind::kNone: return "None";
    case Value::Kind::kBool: return value.truth() ? "True" : "False";
    case Value::Kind::kInt: return str(value.integer());
    case Value::Kind::kFloat: return float_repr(value.number());
    case Value::Kind::kString: return value.string();
    default: return to_repr(value);
  }
}

std::string to_json(const Value& value, const JsonStyle& style) {
  JsonWriter writer(style);
  writer.write(value, 0);
  return std::move(writer.out);
}

}  // namespace kinglet::text::jinja
