// What may stand behind '|'.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/base/base.h"
#include "model/text/jinja/evaluator.h"
#include "model/text/jinja/letters.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

bool truth_argument(const Arguments& given, size_t i, std::string_view name, bool standard) {
  const Value* value = argument(given, i, name);
  return value == nullptr ? standard : value->truth();
}

// "a.b.0": an attribute of an attribute; numbers are indices.
Value by_path(Evaluator& evaluator, Value value, const Value& path) {
  if (path.is_integral()) return evaluator.item(value, path);
  const std::string text = to_text(path);
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('.', begin), text.size());
    const std::string part = text.substr(begin, end - begin);
    int64_t index = 0;
    const auto [last, status] = std::from_chars(part.data(), part.data() + part.size(), index);
    const bool is_index = status == std::errc() && last == part.data() + part.size();
    value = evaluator.item(value, is_index ? Value(index) : Value(part));
    begin = end + 1;
  }
  return value;
}

Value with_attribute(Evaluator& evaluator, const Value& value, const Value* attribute) {
  return attribute == nullptr || attribute->is(Kind::kNone) ? value : by_path(evaluator, value, *attribute);
}

Value length_of(Evaluator& evaluator, const Value& value, const Arguments&) {
  switch (value.kind()) {
    case Kind::kUndefined: return int64_t{0};
    case Kind::kString: return static_cast<int64_t>(length(value.string()));
    case Kind::kList:
    case Kind::kTuple: return static_cast<int64_t>(value.items().size());
    case Kind::kDict: return static_cast<int64_t>(value.members().members.size());
    default: evaluator.refuse(str("object of type '", value.type_name(), "' has no len()"));
  }
}

Value default_of(Evaluator&, const Value& value, const Arguments& given) {
  const Value* standard = argument(given, 0, "default_value");
  const bool for_falsy = truth_argument(given, 1, "boolean", false);
  if (!value.is_undefined() && (!for_falsy || value.truth())) return value;
  return standard == nullptr ? Value("") : *standard;
}

Value tojson(Evaluator& evaluator, const Value& value, const Arguments& given) {
  JsonStyle style;
  if (const Value* indent = argument(given, 1, "indent"); indent != nullptr && indent->is_integral()) {
    style.indent = static_cast<int>(std::clamp<int64_t>(indent->integer(), 0, 64));
  }
  style.ascii = truth_argument(given, 0, "ensure_ascii", false);
  style.sort_keys = truth_argument(given, 3, "sort_keys", false);
  if (const Value* separators = argument(given, 2, "separators"); separators != nullptr && separators->is_sequence() && separators->items().size() == 2) {
    style.item_separator = to_text(separators->items()[0]);
    style.key_separator = to_text(separators->items()[1]);
  }
  if (value.is_undefined()) evaluator.refuse("Object of type Undefined is not JSON serializable");
  std::string text = to_json(value, style);
  evaluator.spend(text.size());
  return text;
}

Value join(Evaluator& evaluator, const Value& value, const Arguments& given) {
  const Value* separator = argument(given, 0, "d");
  const Value* attribute = argument(given, 1, "attribute");
  const std::string between = separator == nullptr ? "" : to_text(*separator);
  std::string out;
  bool is_first = true;
  for (const Value& part : evaluator.iterate(value)) {
    if (!std::exchange(is_first, false)) out += between;
    const std::string text = to_text(with_attribute(evaluator, part, attribute));
    evaluator.spend(text.size() + between.size());
    out += text;
  }
  return out;
}

Value trim(Evaluator&, const Value& value, const Arguments& given) {
  const Value* set = argument(given, 0, "chars");
  return Value(stripped(to_text(value), set == nullptr || set->is(Kind::kNone) ? "" : to_text(*set), true, true));
}

Value replace(Evaluator& evaluator, const Value& value, const Arguments& given) {
  if (given.positional.size() < 2) evaluator.refuse("replace wants two texts");
  Arguments texts;
  for (const Value& part : given.positional) texts.positional.push_back(part.is_integral() ? part : Value(to_text(part)));
  return evaluator.call(evaluator.attribute(to_text(value), "replace"), texts);
}

Value items(Evaluator& evaluator, const Value& value, const Arguments&) {
  if (value.is_undefined()) return Value::list({}, Kind::kGenerator);
  if (!value.is_mapping()) evaluator.refuse("Can only get item pairs from a mapping.");
  Value list = evaluator.call(evaluator.attribute(value, "items"), {});
  return Value::list(std::move(list.items()), Kind::kGenerator);
}

Value list(Evaluator& evaluator, const Value& value, const Arguments&) { return Value::list(evaluator.iterate(value)); }

template <bool kLast>
Value first_or_last(Evaluator& evaluator, const Value& value, const Arguments&) {
  const List values = evaluator.iterate(value);
  if (values.empty()) return Value::undefined("the sequence is empty");
  return kLast ? values.back() : values.front();
}

// What a comparison of sorting looks at: text without regard to case unless asked.
Value sort_key(Evaluator& evaluator, const Value& value, const Value* attribute, bool case_sensitive) {
  Value key = with_attribute(evaluator, value, attribute);
  return key.is_string() && !case_sensitive ? Value(lower(key.string())) : key;
}

Value sort(Evaluator& evaluator, const Value& value, const Arguments& given) {
  List values = evaluator.iterate(value);
  const Value* attribute = argument(given, 2, "attribute");
  const bool case_sensitive = truth_argument(given, 1, "case_sensitive", false);
  const bool reverse = truth_argument(given, 0, "reverse", false);
  std::stable_sort(values.begin(), values.end(), [&](const Value& a, const Value& b) {
    const Value key_a = sort_key(evaluator, a, attribute, case_sensitive);
    const Value key_b = sort_key(evaluator, b, attribute, case_sensitive);
    return reverse ? evaluator.compare("<", key_b, key_a) : evaluator.compare("<", key_a, key_b);
  });
  return Value::list(std::move(values));
}

Value dictsort(Evaluator& evaluator, const Value& value, const Arguments& given) {
  if (!value.is_mapping()) evaluator.refuse("dictsort wants a dict");
  const bool case_sensitive = truth_argument(given, 0, "case_sensitive", false);
  const Value* by = argument(given, 1, "by");
  const Value index(int64_t{by != nullptr && to_text(*by) == "value" ? 1 : 0});
  Arguments of_sort;
  of_sort.named.emplace_back("reverse", truth_argument(given, 2, "reverse", false));
  of_sort.named.emplace_back("case_sensitive", case_sensitive);
  of_sort.named.emplace_back("attribute", index);
  return sort(evaluator, evaluator.call(evaluator.attribute(value, "items"), {}), of_sort);
}

template <bool kMax>
Value extreme(Evaluator& evaluator, const Value& value, const Arguments& given) {
  const List values = evaluator.iterate(value);
  if (values.empty()) return Value::undefined("No aggregated item, sequence was empty.");
  const bool case_sensitive = truth_argument(given, 0, "case_sensitive", false);
  const Value* attribute = argument(given, 1, "attribute");
  Value best = values[0];
  for (const Value& candidate : values) {
    const Value a = sort_key(evaluator, candidate, attribute, case_sensitive);
    const Value b = sort_key(evaluator, best, attribute, case_sensitive);
    if (evaluator.compare(kMax ? ">" : "<", a, b)) best = candidate;
  }
  return best;
}

Value unique(Evaluator& evaluator, const Value& value, const Arguments& given) {
  const bool case_sensitive = truth_argument(given, 0, "case_sensitive", false);
  const Value* attribute = argument(given, 1, "attribute");
  List seen;
  List result;
  for (const Value& candidate : evaluator.iterate(value)) {
    Value key = sort_key(evaluator, candidate, attribute, case_sensitive);
    evaluator.spend(seen.size());
    if (std::ranges::find(seen, key) != seen.end()) continue;
    seen.push_back(std::move(key));
    result.push_back(candidate);
  }
  return Value::list(std::move(result), Kind::kGenerator);
}

Value reverse(Evaluator& evaluator, const Value& value, const Arguments&) {
  List values = evaluator.iterate(value);
  std::ranges::reverse(values);
  if (!value.is_string()) return Value::list(std::move(values), Kind::kGenerator);
  std::string text;
  for (const Value& character : values) text += character.string();
  return text;
}

// select and its kin: kAttribute looks at an attribute (the first argument), kKeep says what stays.
template <bool kAttribute, bool kKeep>
Value select(Evaluator& evaluator, const Value& value, const Arguments& given) {
  const size_t skipped = kAttribute ? 1 : 0;
  if (given.positional.size() < skipped) evaluator.refuse("Missing parameter for attribute name");
  Arguments of_test;
  for (size_t i = skipped + 1; i < given.positional.size(); ++i) of_test.positional.push_back(given.positional[i]);
  List result;
  for (const Value& candidate : evaluator.iterate(value)) {
    const Value looked_at = kAttribute ? by_path(evaluator, candidate, given.positional[0]) : candidate;
    const bool passes = given.positional.size() > skipped ? evaluator.apply_test(to_text(given.positional[skipped]), looked_at, of_test)
                                                          : looked_at.truth();
    if (passes == kKeep) result.push_back(candidate);
  }
  return Value::list(std::move(result), Kind::kGenerator);
}

Value map(Evaluator& evaluator, const Value& value, const Arguments& given) {
  List result;
  const Value* attribute = given.positional.empty() ? argument(given, 0, "attribute") : nullptr;
  const Value* standard = argument(given, SIZE_MAX, "default");
  if (attribute == nullptr && given.positional.empty()) evaluator.refuse("map requires a filter argument");
  Arguments rest;
  for (size_t i = 1; i < given.positional.size(); ++i) rest.positional.push_back(given.positional[i]);
  rest.named = given.named;
  for (const Value& element : evaluator.iterate(value)) {
    Value mapped = attribute != nullptr ? by_path(evaluator, element, *attribute) : evaluator.apply_filter(to_text(given.positional[0]), element, rest);
    if (attribute != nullptr && mapped.is_undefined() && standard != nullptr) mapped = *standard;
    result.push_back(std::move(mapped));
  }
  return Value::list(std::move(result), Kind::kGenerator);
}

Value sum(Evaluator& evaluator, const Value& value, const Arguments& given) {
  const Value* attribute = argument(given, 0, "attribute");
  const Value* start = argument(given, 1, "start");
  Value total = start == nullptr ? Value(int64_t{0}) : *start;
  for (const Value& element : evaluator.iterate(value)) total = evaluator.binary("+", total, with_attribute(evaluator, element, attribute));
  return total;
}

Value groupby(Evaluator& evaluator, const Value& value, const Arguments& given) {
  const Value* attribute = argument(given, 0, "attribute");
  if (attribute == nullptr) evaluator.refuse("groupby wants an attribute");
  Arguments of_sort;
  of_sort.named.emplace_back("attribute", *attribute);
  List groups;
  for (const Value& element : sort(evaluator, value, of_sort).items()) {
    Value key = by_path(evaluator, element, *attribute);
    if (groups.empty() || !(sort_key(evaluator, groups.back().items()[0], nullptr, false) == sort_key(evaluator, key, nullptr, false))) {
      groups.push_back(Value::list({key, Value::list({})}, Kind::kTuple));
    }
    groups.back().items()[1].items().push_back(element);
  }
  return Value::list(std::move(groups));
}

Value batch(Evaluator& evaluator, const Value& value, const Arguments& given) {
  const Value* size = argument(given, 0, "linecount");
  const Value* fill = argument(given, 1, "fill_with");
  if (size == nullptr || !size->is_integral() || size->integer() < 1) evaluator.refuse("batch wants a positive number");
  const auto n = static_cast<size_t>(size->integer());
  List batches;
  for (const Value& element : evaluator.iterate(value)) {
    if (batches.empty() || batches.back().items().size() == n) batches.push_back(Value::list({}));
    batches.back().items().push_back(element);
  }
  if (fill != nullptr && !fill->is(Kind::kNone) && !batches.empty()) {
    evaluator.spend(n);
    while (batches.back().items().size() < n) batches.back().items().push_back(*fill);
  }
  return Value::list(std::move(batches), Kind::kGenerator);
}

Value indent(Evaluator& evaluator, const Value& value, const Arguments& given) {
  const Value* width = argument(given, 0, "width");
  const bool also_first = truth_argument(given, 1, "first", false);
  const bool also_blank = truth_argument(given, 2, "blank", false);
  const std::string unit = width == nullptr ? std::string(4, ' ')
                           : width->is_string() ? width->string()
                                                : std::string(static_cast<size_t>(std::clamp<int64_t>(width->is_integral() ? width->integer() : 0, 0, 1000)), ' ');
  const std::string text = to_text(value);
  std::string out;
  bool is_first = true;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    if (!is_first) out += '\n';
    if (is_first ? also_first : also_blank || !line.empty()) out += unit;
    out += line;
    evaluator.spend(line.size() + unit.size());
    is_first = false;
    begin = end + 1;
  }
  return out;
}

Value to_int(Evaluator&, const Value& value, const Arguments& given) {
  const Value* standard = argument(given, 0, "default");
  const Value otherwise = standard == nullptr ? Value(int64_t{0}) : *standard;
  if (value.is_integral()) return value.integer();
  double number = 0;
  if (value.is(Kind::kFloat)) {
    number = value.number();
  } else if (value.is_string()) {
    const std::string_view text = stripped(value.string(), "", true, true);
    int64_t whole = 0;
    const size_t sign = text.starts_with('+') ? 1 : 0;
    const auto [end, status] = std::from_chars(text.data() + sign, text.data() + text.size(), whole);
    if (status == std::errc() && end == text.data() + text.size()) return whole;
    const auto [last, float_status] = std::from_chars(text.data() + sign, text.data() + text.size(), number);
    if (float_status != std::errc() || last != text.data() + text.size()) return otherwise;
  } else {
    return otherwise;
  }
  return std::abs(number) < 9e18 ? Value(static_cast<int64_t>(number)) : otherwise;
}

Value to_float(Evaluator&, const Value& value, const Arguments& given) {
  const Value* standard = argument(given, 0, "default");
  if (value.is_number()) return value.number();
  if (value.is_string()) {
    const std::string_view text = stripped(value.string(), "", true, true);
    double number = 0;
    const size_t sign = text.starts_with('+') ? 1 : 0;
    const auto [end, status] = std::from_chars(text.data() + sign, text.data() + text.size(), number);
    if (status == std::errc() && end == text.data() + text.size()) return number;
  }
  return standard == nullptr ? Value(0.0) : *standard;
}

Value round(Evaluator& evaluator, const Value& value, const Arguments& given) {
  if (!value.is_number()) evaluator.refuse(str("round wants a number, not ", value.type_name()));
  const Value* precision = argument(given, 0, "precision");
  const Value* method = argument(given, 1, "method");
  const double factor = std::pow(10.0, precision == nullptr ? 0.0 : precision->number());
  const std::string how = method == nullptr ? "common" : to_text(*method);
  const double scaled = value.number() * factor;
  if (how == "ceil") return std::ceil(scaled) / factor;
  if (how == "floor") return std::floor(scaled) / factor;
  return std::nearbyint(scaled) / factor;
}

Value absolute(Evaluator& evaluator, const Value& value, const Arguments&) {
  if (value.is_integral()) return value.integer() < 0 ? evaluator.binary("-", Value(int64_t{0}), value) : Value(value.integer());
  if (!value.is(Kind::kFloat)) evaluator.refuse(str("bad operand type for abs(): '", value.type_name(), "'"));
  return std::abs(value.number());
}

Value escape(Evaluator& evaluator, const Value& value, const Arguments&) {
  std::string out;
  for (const char c : to_text(value)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&#34;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  evaluator.spend(out.size());
  return out;
}

Value format(Evaluator& evaluator, const Value& value, const Arguments& given) {
  return evaluator.binary("%", to_text(value), Value::list(given.positional, Kind::kTuple));
}

Value truncate(Evaluator&, const Value& value, const Arguments& given) {
  const Value* limit = argument(given, 0, "length");
  const bool kill_words = truth_argument(given, 1, "killwords", false);
  const Value* end = argument(given, 2, "end");
  const Value* leeway = argument(given, 3, "leeway");
  const std::string text = to_text(value);
  const std::string dots = end == nullptr ? "..." : to_text(*end);
  const auto size = static_cast<size_t>(std::max<int64_t>(0, limit != nullptr && limit->is_integral() ? limit->integer() : 255));
  const auto extra = static_cast<size_t>(std::max<int64_t>(0, leeway != nullptr && leeway->is_integral() ? leeway->integer() : 5));
  if (length(text) <= size + extra) return text;
  size_t bytes = 0;
  for (size_t n = length(dots); n < size && bytes < text.size(); ++n) {
    ++bytes;
    while (bytes < text.size() && (static_cast<uint8_t>(text[bytes]) & 0xC0U) == 0x80U) ++bytes;
  }
  std::string cut = text.substr(0, bytes);
  if (!kill_words) cut = cut.substr(0, std::min(cut.rfind(' '), cut.size()));
  return cut + dots;
}

Value wordcount(Evaluator& evaluator, const Value& value, const Arguments&) {
  const Value words = evaluator.call(evaluator.attribute(to_text(value), "split"), {});
  return static_cast<int64_t>(words.items().size());
}

Value attr(Evaluator& evaluator, const Value& value, const Arguments& given) {
  const Value* name = argument(given, 0, "name");
  if (name == nullptr) evaluator.refuse("attr wants a name");
  return evaluator.attribute(value, to_text(*name));
}

template <std::string (*change)(std::string_view)>
Value changed(Evaluator&, const Value& value, const Arguments&) {
  return change(to_text(value));
}

Value as_text(Evaluator&, const Value& value, const Arguments&) { return to_text(value); }

struct Row {
  std::string_view name;
  Filter filter;
};

constexpr std::array kFilters = {
    Row{"tojson", tojson},
    Row{"length", length_of},
    Row{"count", length_of},
    Row{"default", default_of},
    Row{"d", default_of},
    Row{"trim", trim},
    Row{"string", as_text},
    Row{"safe", as_text},
    Row{"join", join},
    Row{"replace", replace},
    Row{"items", items},
    Row{"list", list},
    Row{"first", first_or_last<false>},
    Row{"last", first_or_last<true>},
    Row{"sort", sort},
    Row{"dictsort", dictsort},
    Row{"min", extreme<false>},
    Row{"max", extreme<true>},
    Row{"unique", unique},
    Row{"reverse", reverse},
    Row{"select", select<false, true>},
    Row{"reject", select<false, false>},
    Row{"selectattr", select<true, true>},
    Row{"rejectattr", select<true, false>},
    Row{"map", map},
    Row{"sum", sum},
    Row{"groupby", groupby},
    Row{"batch", batch},
    Row{"indent", indent},
    Row{"int", to_int},
    Row{"float", to_float},
    Row{"round", round},
    Row{"abs", absolute},
    Row{"escape", escape},
    Row{"e", escape},
    Row{"format", format},
    Row{"truncate", truncate},
    Row{"wordcount", wordcount},
    Row{"attr", attr},
    Row{"upper", changed<upper>},
    Row{"lower", changed<lower>},
    Row{"title", changed<titled>},
    Row{"capitalize", changed<capitalized>},
};

}  // namespace

Filter find_filter(std::string_view name) {
  const auto found = std::ranges::find(kFilters, name, &Row::name);
  return found == kFilters.end() ? nullptr : found->filter;
}

}  // namespace kinglet::text::jinja
