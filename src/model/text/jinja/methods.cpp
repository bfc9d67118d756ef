// Methods of Python's str, list and dict. Those that would change their object are refused, as by Jinja's sandbox.
#include <algorithm>
#include <array>

#include "core/base/base.h"
#include "model/text/jinja/evaluator.h"
#include "model/text/jinja/letters.h"
#include "model/text/unicode.h"
#include "model/text/utf8.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

const std::string& string_argument(Evaluator& evaluator, const Arguments& given, size_t i, std::string_view name) {
  const Value* value = argument(given, i, name);
  if (value == nullptr || !value->is_string()) evaluator.refuse(str("argument '", name, "' must be str"));
  return value->string();
}

// The argument, or white space where it is absent or None.
std::string optional_string(Evaluator& evaluator, const Arguments& given, size_t i, std::string_view name) {
  const Value* value = argument(given, i, name);
  if (value == nullptr || value->is(Kind::kNone)) return "";
  return string_argument(evaluator, given, i, name);
}

int64_t integer_argument(Evaluator& evaluator, const Arguments& given, size_t i, std::string_view name, int64_t standard) {
  const Value* value = argument(given, i, name);
  if (value == nullptr) return standard;
  if (!value->is_integral()) evaluator.refuse(str("argument '", name, "' must be int"));
  return value->integer();
}

bool is_blank_at(std::string_view text, size_t at) { return (char_class(code_point_at(text, at).value) & CharClass::kSpace) != 0; }

// Words between white space; the rest stays whole after `limit` cuts (none: -1).
List split_blanks(std::string_view text, int64_t limit) {
  List parts;
  size_t i = 0;
  for (;;) {
    while (i < text.size() && is_blank_at(text, i)) i += code_point_at(text, i).length;
    if (i >= text.size()) return parts;
    if (limit >= 0 && static_cast<int64_t>(parts.size()) == limit) {
      parts.emplace_back(stripped(text.substr(i), "", false, true));
      return parts;
    }
    const size_t begin = i;
    while (i < text.size() && !is_blank_at(text, i)) i += code_point_at(text, i).length;
    parts.emplace_back(text.substr(begin, i - begin));
  }
}

Value split(Evaluator& evaluator, const std::string& text, const Arguments& given) {
  const std::string separator = optional_string(evaluator, given, 0, "sep");
  const int64_t limit = integer_argument(evaluator, given, 1, "maxsplit", -1);
  evaluator.spend(text.size());
  const Value* given_separator = argument(given, 0, "sep");
  if (given_separator == nullptr || given_separator->is(Kind::kNone)) return Value::list(split_blanks(text, limit));
  if (separator.empty()) evaluator.refuse("empty separator");
  List parts;
  size_t begin = 0;
  while (limit < 0 || static_cast<int64_t>(parts.size()) < limit) {
    const size_t at = text.find(separator, begin);
    if (at == std::string::npos) break;
    parts.emplace_back(text.substr(begin, at - begin));
    begin = at + separator.size();
  }
  parts.emplace_back(text.substr(begin));
  return Value::list(std::move(parts));
}

Value rsplit(Evaluator& evaluator, const std::string& text, const Arguments& given) {
  const std::string separator = optional_string(evaluator, given, 0, "sep");
  const int64_t limit = integer_argument(evaluator, given, 1, "maxsplit", -1);
  if (limit < 0) return split(evaluator, text, given);
  if (separator.empty()) evaluator.refuse("rsplit() with a limit wants a separator");
  evaluator.spend(text.size());
  List parts;
  size_t end = text.size();
  while (static_cast<int64_t>(parts.size()) < limit && end >= separator.size()) {
    const size_t at = end == 0 ? std::string::npos : text.rfind(separator, end - separator.size());
    if (at == std::string::npos) break;
    parts.emplace_back(text.substr(at + separator.size(), end - at - separator.size()));
    end = at;
  }
  parts.emplace_back(text.substr(0, end));
  std::ranges::reverse(parts);
  return Value::list(std::move(parts));
}

template <bool kLeft, bool kRight>
Value strip(Evaluator& evaluator, const std::string& text, const Arguments& given) {
  const Value* set = argument(given, 0, "chars");
  if (set != nullptr && set->is_string() && set->string().empty()) return text;
  return Value(stripped(text, optional_string(evaluator, given, 0, "chars"), kLeft, kRight));
}

// A text, or a tuple of which one has to fit.
template <bool kStart>
Value begins_or_ends(Evaluator& evaluator, const std::string& text, const Arguments& given) {
  const Value* affix = argument(given, 0, "prefix");
  if (affix == nullptr) evaluator.refuse("startswith and endswith want a text");
  const List options = affix->is(Kind::kTuple) ? affix->items() : List{*affix};
  return Value(std::ranges::any_of(options, [&](const Value& option) {
    if (!option.is_string()) evaluator.refuse(str("startswith and endswith want str, not ", option.type_name()));
    return kStart ? text.starts_with(option.string()) : text.ends_with(option.string());
  }));
}

Value replace(Evaluator& evaluator, const std::string& text, const Arguments& given) {
  const std::string& from = string_argument(evaluator, given, 0, "old");
  const std::string& to = string_argument(evaluator, given, 1, "new");
  int64_t left = integer_argument(evaluator, given, 2, "count", -1);
  std::string out;
  size_t begin = 0;
  while (left != 0) {
    const size_t at = from.empty() ? begin : text.find(from, begin);
    if (at == std::string::npos || at > text.size()) break;
    out.append(text, begin, at - begin);
    out += to;
    begin = at + from.size();
    if (from.empty()) {
      // Between all characters, before the first and behind the last.
      if (at >= text.size()) {
        begin = text.size();
        break;
      }
      const uint32_t n = code_point_at(text, at).length;
      out.append(text, at, n);
      begin = at + n;
    }
    evaluator.spend(to.size() + 1);
    if (left > 0) --left;
  }
  out.append(text, begin);
  evaluator.spend(out.size());
  return out;
}

Value join(Evaluator& evaluator, const std::string& text, const Arguments& given) {
  if (given.positional.size() != 1) evaluator.refuse("join() wants one iterable");
  std::string out;
  bool is_first = true;
  for (const Value& part : evaluator.iterate(given.positional[0])) {
    if (!part.is_string()) evaluator.refuse(str("join(): expected str instance, ", part.type_name(), " found"));
    if (!std::exchange(is_first, false)) out += text;
    out += part.string();
    evaluator.spend(text.size() + part.string().size());
  }
  return out;
}

// '{}'.format(...): fields by place or name; conversions and format specifications are refused.
Value format(Evaluator& evaluator, const std::string& text, const Arguments& given) {
  std::string out;
  size_t next = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{' && i + 1 < text.size() && text[i + 1] == '{') {
      out += '{';
      ++i;
    } else if (text[i] == '}' && i + 1 < text.size() && text[i + 1] == '}') {
      out += '}';
      ++i;
    } else if (text[i] == '{') {
      const size_t close = text.find('}', i);
      if (close == std::string::npos) evaluator.refuse("format(): a '{' is not closed");
      const std::string field = text.substr(i + 1, close - i - 1);
      const bool is_index = !field.empty() && std::ranges::all_of(field, [](char c) { return c >= '0' && c <= '9'; });
      if (!is_index && field.find_first_of("!:.[") != std::string::npos) evaluator.refuse(str("format(): the field {", field, "} is not supported"));
      const size_t index = field.empty() ? next++ : is_index && field.size() < 6 ? static_cast<size_t>(std::stoul(field)) : SIZE_MAX;
      const Value* value = argument(given, index, field);
      if (value == nullptr) evaluator.refuse(str("format(): there is no value for {", field, "}"));
      out += to_text(*value);
      i = close;
    } else if (text[i] == '}') {
      evaluator.refuse("format(): a single '}'");
    } else {
      out += text[i];
    }
    evaluator.spend(1);
  }
  return out;
}

template <bool kLast>
Value find(Evaluator& evaluator, const std::string& text, const Arguments& given) {
  const std::string& part = string_argument(evaluator, given, 0, "sub");
  const size_t at = kLast ? text.rfind(part) : text.find(part);
  return at == std::string::npos ? int64_t{-1} : static_cast<int64_t>(length(std::string_view(text).substr(0, at)));
}

Value count(Evaluator& evaluator, const std::string& text, const Arguments& given) {
  const std::string& part = string_argument(evaluator, given, 0, "sub");
  if (part.empty()) return static_cast<int64_t>(length(text) + 1);
  int64_t n = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
  return n;
}

Value splitlines(Evaluator& evaluator, const std::string& text, const Arguments& given) {
  const Value* keep = argument(given, 0, "keepends");
  evaluator.spend(text.size());
  List lines;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = text.find_first_of("\r\n", begin);
    size_t next = text.size();
    if (end == std::string::npos) {
      end = text.size();
    } else {
      next = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n' ? end + 2 : end + 1;
    }
    lines.emplace_back(text.substr(begin, (keep != nullptr && keep->truth() ? next : end) - begin));
    begin = next;
  }
  return Value::list(std::move(lines));
}

template <class Test>
Value all_characters(const std::string& text, const Test& test) {
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    if (!test(point.value)) return false;
    i += point.length;
  }
  return !text.empty();
}

template <uint8_t kClasses>
Value is_all(Evaluator&, const std::string& text, const Arguments&) {
  return all_characters(text, [](uint32_t c) { return (char_class(c) & kClasses) != 0; });
}

template <bool kPrefix>
Value remove_affix(Evaluator& evaluator, const std::string& text, const Arguments& given) {
  const std::string& affix = string_argument(evaluator, given, 0, "prefix");
  if (kPrefix && text.starts_with(affix)) return text.substr(affix.size());
  if (!kPrefix && text.ends_with(affix)) return text.substr(0, text.size() - affix.size());
  return text;
}

template <bool kLast>
Value partition(Evaluator& evaluator, const std::string& text, const Arguments& given) {
  const std::string& separator = string_argument(evaluator, given, 0, "sep");
  const size_t at = kLast ? text.rfind(separator) : text.find(separator);
  if (at == std::string::npos) return Value::list(kLast ? List{"", "", text} : List{text, "", ""}, Kind::kTuple);
  return Value::list({text.substr(0, at), separator, text.substr(at + separator.size())}, Kind::kTuple);
}

template <bool kLeft>
Value justify(Evaluator& evaluator, const std::string& text, const Arguments& given) {
  const auto width = static_cast<size_t>(std::max<int64_t>(0, integer_argument(evaluator, given, 0, "width", 0)));
  const size_t n = length(text);
  if (width <= n) return text;
  evaluator.spend(width);
  const Value* fill = argument(given, 1, "fillchar");
  const std::string unit = fill == nullptr ? " " : to_text(*fill);
  std::string padding;
  for (size_t i = n; i < width; ++i) padding += unit;
  return kLeft ? text + padding : padding + text;
}

using StringMethod = Value (*)(Evaluator&, const std::string&, const Arguments&);
struct StringRow {
  std::string_view name;
  StringMethod method;
};
constexpr std::array kStringMethods = {
    StringRow{"split", split},
    StringRow{"rsplit", rsplit},
    StringRow{"strip", strip<true, true>},
    StringRow{"lstrip", strip<true, false>},
    StringRow{"rstrip", strip<false, true>},
    StringRow{"startswith", begins_or_ends<true>},
    StringRow{"endswith", begins_or_ends<false>},
    StringRow{"replace", replace},
    StringRow{"join", join},
    StringRow{"format", format},
    StringRow{"find", find<false>},
    StringRow{"rfind", find<true>},
    StringRow{"count", count},
    StringRow{"splitlines", splitlines},
    StringRow{"isdigit", [](Evaluator&, const std::string& text, const Arguments&) { return all_characters(text, [](uint32_t c) { return (char_class(c) & CharClass::kNumber) != 0; }); }},
    StringRow{"isnumeric", is_all<CharClass::kNumber>},
    StringRow{"isalpha", is_all<CharClass::kLetter>},
    StringRow{"isalnum", is_all<CharClass::kLetter | CharClass::kNumber>},
    StringRow{"isspace", is_all<CharClass::kSpace>},
    StringRow{"upper", [](Evaluator&, const std::string& text, const Arguments&) { return Value(upper(text)); }},
    StringRow{"lower", [](Evaluator&, const std::string& text, const Arguments&) { return Value(lower(text)); }},
    StringRow{"title", [](Evaluator&, const std::string& text, const Arguments&) { return Value(titled(text)); }},
    StringRow{"capitalize", [](Evaluator&, const std::string& text, const Arguments&) { return Value(capitalized(text)); }},
    StringRow{"isupper", [](Evaluator&, const std::string& text, const Arguments&) { return Value(text == upper(text) && text != lower(text)); }},
    StringRow{"islower", [](Evaluator&, const std::string& text, const Arguments&) { return Value(text == lower(text) && text != upper(text)); }},
    StringRow{"removeprefix", remove_affix<true>},
    StringRow{"removesuffix", remove_affix<false>},
    StringRow{"partition", partition<false>},
    StringRow{"rpartition", partition<true>},
    StringRow{"ljust", justify<true>},
    StringRow{"rjust", justify<false>},
};

std::optional<Value> dict_method(const Value& object, const std::string& name) {
  if (name == "get") {
    return Value::callable([object](Evaluator& evaluator, const Arguments& given) {
      const Value* key = argument(given, 0, "key");
      if (key == nullptr) evaluator.refuse("get() wants a key");
      if (const Value* value = object.members().find(*key)) return *value;
      const Value* standard = argument(given, 1, "default");
      return standard == nullptr ? Value(nullptr) : *standard;
    });
  }
  if (name == "items" || name == "keys" || name == "values") {
    return Value::callable([object, name](Evaluator& evaluator, const Arguments&) {
      List list;
      for (const auto& [key, value] : object.members().members) {
        list.push_back(name == "keys" ? key : name == "values" ? value : Value::list({key, value}, Kind::kTuple));
      }
      evaluator.spend(list.size());
      return Value::list(std::move(list));
    });
  }
  if (name == "copy") return Value::callable([object](Evaluator&, const Arguments&) { return Value::dict(object.members()); });
  return std::nullopt;
}

std::optional<Value> list_method(const Value& object, const std::string& name) {
  if (name == "index") {
    return Value::callable([object](Evaluator& evaluator, const Arguments& given) -> Value {
      const Value* wanted = argument(given, 0, "value");
      if (wanted == nullptr) evaluator.refuse("index() wants a value");
      const auto found = std::ranges::find(object.items(), *wanted);
      if (found == object.items().end()) evaluator.refuse(str(to_repr(*wanted), " is not in list"));
      return static_cast<int64_t>(found - object.items().begin());
    });
  }
  if (name == "count") {
    return Value::callable([object](Evaluator& evaluator, const Arguments& given) -> Value {
      const Value* wanted = argument(given, 0, "value");
      if (wanted == nullptr) evaluator.refuse("count() wants a value");
      return static_cast<int64_t>(std::ranges::count(object.items(), *wanted));
    });
  }
  if (name == "copy" && object.is(Kind::kList)) {
    return Value::callable([object](Evaluator&, const Arguments&) { return Value::list(object.items()); });
  }
  return std::nullopt;
}

}  // namespace

std::optional<Value> find_method(const Value& object, const std::string& name) {
  constexpr std::array<std::string_view, 8> kListChanges = {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"};
  constexpr std::array<std::string_view, 5> kDictChanges = {"clear", "pop", "popitem", "setdefault", "update"};
  const bool changes = (object.is(Kind::kList) && std::ranges::find(kListChanges, name) != kListChanges.end()) ||
                       (object.is_mapping() && std::ranges::find(kDictChanges, name) != kDictChanges.end());
  if (changes) {
    return Value::callable([name, type = std::string(object.type_name())](Evaluator& evaluator, const Arguments&) -> Value {
      evaluator.refuse(str("access to attribute '", name, "' of '", type, "' object is unsafe."));
    });
  }
  if (object.is_mapping()) return dict_method(object, name);
  if (object.is(Kind::kList) || object.is(Kind::kTuple)) return list_method(object, name);
  if (!object.is_string()) return std::nullopt;
  const auto row = std::ranges::find(kStringMethods, name, &StringRow::name);
  if (row == kStringMethods.end()) return std::nullopt;
  return Value::callable([method = row->method, text = object.string()](Evaluator& evaluator, const Arguments& given) {
    return method(evaluator, text, given);
  });
}

}  // namespace kinglet::text::jinja
