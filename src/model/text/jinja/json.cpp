#include "model/text/jinja/json.h"

#include <algorithm>
#include <cmath>

#include "model/text/jinja/dict.h"
#include "model/text/jinja/printing.h"
#include "model/text/sorting.h"
#include "model/text/utf8.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

std::string float_json(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  return float_repr(number);
}

class JsonWriter {
 public:
  JsonWriter(Meter& meter, const JsonStyle& style) : meter_(meter), style_(style) {}

  void write(const Value& value, int depth) {
    meter_.step();
    switch (value.kind()) {
      case Kind::kNone:
        return put("null");
      case Kind::kBool:
        return put(value.truth() ? "true" : "false");
      case Kind::kInt:
        return put(str(value.integer()));
      case Kind::kFloat:
        return put(float_json(value.number()));
      case Kind::kString:
        return write_string(value.string());
      case Kind::kList:
      case Kind::kTuple:
        return write_list(value.items(), depth);
      case Kind::kDict:
        return write_dict(value.members(), depth);
      default:
        meter_.refuse(str("Object of type ", value.type_name(), " is not JSON serializable"));
    }
  }

  std::string out;

 private:
  void put(std::string_view text) {
    meter_.make(text.size());
    out += text;
  }

  void line(int depth) {
    if (!style_.is_indented) return;
    put("\n");
    for (int i = 0; i < depth; ++i) put(style_.indent);
  }

  void write_list(const List& values, int depth) {
    put("[");
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0) put(style_.item_separator);
      line(depth + 1);
      write(values[i], depth + 1);
    }
    if (!values.empty()) line(depth);
    put("]");
  }

  [[nodiscard]] std::string key_text(const Value& key) const {
    if (key.is_string()) return key.string();
    if (key.is_none()) return "null";
    if (key.is(Kind::kBool)) return key.truth() ? "true" : "false";
    return key.is(Kind::kFloat) ? float_json(key.number()) : str(key.integer());
  }

  void write_dict(const Dict& dict, int depth) {
    std::vector<const Dict::Member*> members;
    for (const Dict::Member& member : dict.members()) members.push_back(&member);
    if (style_.sort_keys) sort(members);
    put("{");
    for (size_t i = 0; i < members.size(); ++i) {
      if (i > 0) put(style_.item_separator);
      line(depth + 1);
      write_string(key_text(members[i]->first));
      put(style_.key_separator);
      write(members[i]->second, depth + 1);
    }
    if (!members.empty()) line(depth);
    put("}");
  }

  void sort(std::vector<const Dict::Member*>& members) {
    for (const Dict::Member* member : members) {
      if (member->first.is_string() != members[0]->first.is_string() || member->first.is_none()) {
        meter_.refuse("keys of several types cannot be sorted");
      }
    }
    merge_sort(members, [](const Dict::Member* a, const Dict::Member* b) {
      return a->first.is_string() ? a->first.string() < b->first.string() : a->first.number() < b->first.number();
    });
  }

  void write_string(std::string_view text) {
    meter_.make(text.size() + 2);
    out += '"';
    for (size_t i = 0; i < text.size();) {
      const CodePoint point = code_point_at(text, i);
      write_character(text.substr(i, point.length), point.value);
      i += point.length;
    }
    out += '"';
  }

  void write_character(std::string_view bytes, uint32_t c) {
    constexpr std::string_view kEscaped = "\"\\\n\r\t\b\f";
    constexpr std::string_view kLetters = "\"\\nrtbf";
    const size_t at = c < 0x80 ? kEscaped.find(static_cast<char>(c)) : std::string_view::npos;
    if (at != std::string_view::npos) {
      out += '\\';
      out += kLetters[at];
    } else if (c < 0x20 || (style_.ascii && c >= 0x7F && c < 0x10000)) {
      write_unit(c);
    } else if (style_.ascii && c >= 0x10000) {
      write_unit(0xD800 + ((c - 0x10000) >> 10U));
      write_unit(0xDC00 + ((c - 0x10000) & 0x3FFU));
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
  const JsonStyle& style_;
};

}  // namespace

Value from_json(const system::Json& json) {
  if (json.is_null()) return nullptr;
  if (json.is_bool()) return json.as_bool("value");
  if (json.is_integer() && !json.holds_unsigned()) return json.as_integer("value");
  if (json.is_number()) return json.as_number("value");
  if (json.is_string()) return json.as_string("value");
  if (json.is_array()) {
    List values;
    for (const system::Json& value : json.as_array("value")) values.push_back(from_json(value));
    return Value::list(std::move(values));
  }
  Dict members;
  for (const auto& [key, value] : json.as_object("value")) members.set(key, from_json(value));
  return Value::dict(std::move(members));
}

std::string to_json(Meter& meter, const Value& value, const JsonStyle& style) {
  JsonWriter writer(meter, style);
  writer.write(value, 0);
  return std::move(writer.out);
}

}  // namespace kinglet::text::jinja
