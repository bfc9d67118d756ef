// Filters of texts.
#include <algorithm>
#include <array>

#include "core/base/base.h"
#include "model/text/jinja/letters.h"
#include "model/text/jinja/operation.h"
#include "model/text/jinja/operators.h"
#include "model/text/jinja/printing.h"
#include "model/text/utf8.h"

namespace kinglet::text::jinja {
namespace {

// The method of str(input), with arguments by place.
Value method(const Call& call, std::string_view name, List given = {}) {
  return perform(*find_string_method(name), call.evaluator, call.input_text(),
                 {.positional = std::move(given), .named = {}});
}

template <const char* kName>
Value as_method(const Call& call) {
  return method(call, kName);
}
constexpr char kUpper[] = "upper";
constexpr char kLower[] = "lower";
constexpr char kCapitalize[] = "capitalize";

Value string(const Call& call) { return call.input_text(); }

Value safe(const Call& call) { return call.input.is_markup() ? call.input : Value::markup(call.input_text().string()); }

Value forced_escape(const Call& call) {
  const Value text = call.input_text();
  call.evaluator.meter().make(kEscapedGrowth * text.string().size());
  return Value::markup(escaped(text.string()));
}
Value escape(const Call& call) { return call.input.is_markup() ? call.input : forced_escape(call); }

Value trim(const Call& call) { return method(call, "strip", call.has(0) ? List{*call[0]} : List{}); }

Value center(const Call& call) { return method(call, "center", {call.integer(0, 80)}); }

Value replace(const Call& call) {
  const Value plain(call.input_text().string());
  List given = {call.text(0), call.text(1)};
  static_cast<void>(call.need(1));
  if (call.has(2)) given.push_back(*call[2]);
  return perform(*find_string_method("replace"), call.evaluator, plain, {.positional = std::move(given), .named = {}});
}

Value join(const Call& call) {
  const Value plain(call.text(0));
  Value input = call.input;
  if (call.has(1)) {
    Arguments of_map;
    of_map.named.emplace_back("attribute", *call[1]);
    input = call.evaluator.apply_filter("map", input, of_map);
  }
  List parts;
  for (const Value& part : call.evaluator.iterate(input)) parts.push_back(as_text(call.evaluator.meter(), part));
  return perform(*find_string_method("join"), call.evaluator, plain,
                 {.positional = {call.evaluator.list(std::move(parts))}, .named = {}});
}

Value indent(const Call& call) {
  const bool also_first = call.truth(1, false);
  const bool also_blank = call.truth(2, false);
  std::string unit = "    ";
  if (call[0] != nullptr && call[0]->is_string()) {
    unit = call[0]->string();
  } else if (call[0] != nullptr) {
    const auto width = static_cast<size_t>(std::max<int64_t>(0, call.integer(0, 4)));
    call.evaluator.meter().make(width);
    unit = std::string(width, ' ');
  }
  const Value& text = call.input;
  if (text.is_undefined()) call.evaluator.refuse(text.hint());
  if (!text.is_string()) call.evaluator.refuse(str("indent wants str, not ", text.type_name()));
  const Value lines = perform(*find_string_method("splitlines"), call.evaluator, Value(text.string() + "\n"), {});
  std::string out;
  for (size_t i = 0; i < lines.items().size(); ++i) {
    const std::string& line = lines.items()[i].string();
    call.evaluator.meter().make(line.size() + unit.size() + 1);
    if (i > 0) out += '\n';
    if (i == 0 ? also_first : also_blank || !line.empty()) out += unit;
    out += line;
  }
  return call.evaluator.text(std::move(out), text.is_markup());
}

// As Jinja's title: words begin behind blanks and - ( { [ <.
Value title(const Call& call) {
  const Value text = call.input_text();
  std::string out;
  bool begins = true;
  for (size_t i = 0; i < text.string().size();) {
    const CodePoint point = code_point_at(text.string(), i);
    const std::string_view character = std::string_view(text.string()).substr(i, point.length);
    out += begins ? upper(character) : lower(character);
    begins = is_blank(point.value) ||
             (point.value < 0x80 &&
              std::string_view("-({[<").find(static_cast<char>(point.value)) != std::string_view::npos);
    i += point.length;
  }
  return call.evaluator.text(std::move(out));
}

Value format(const Call& call) {
  if (!call.arguments.named.empty() && !call.arguments.positional.empty()) {
    call.evaluator.refuse("can't handle positional and keyword arguments at the same time");
  }
  if (call.arguments.named.empty()) {
    return binary(call.evaluator, Operator::kModulo, call.input_text(),
                  call.evaluator.list(call.arguments.positional, Value::Kind::kTuple));
  }
  Dict values;
  for (const auto& [name, value] : call.arguments.named) values.set(name, value);
  return binary(call.evaluator, Operator::kModulo, call.input_text(), call.evaluator.dict(std::move(values)));
}

Value truncate(const Call& call) {
  const int64_t limit = call.integer(0, 255);
  const std::string end = call.text(2, "...");
  const int64_t leeway = call.has(3) ? call.integer(3, 5) : 5;
  const auto end_length = static_cast<int64_t>(length(end));
  if (limit < end_length) call.evaluator.refuse(str("truncate: expected length >= ", end_length, ", got ", limit));
  if (leeway < 0) call.evaluator.refuse(str("truncate: expected leeway >= 0, got ", leeway));
  const Value& text = call.input;
  if (text.is_undefined()) return text;
  if (!text.is_string()) call.evaluator.refuse(str("truncate wants str, not ", text.type_name()));
  const auto n = static_cast<int64_t>(length(text.string()));
  if (n - leeway <= limit) return text;
  std::string cut = text.string().substr(0, offset_of(text.string(), static_cast<size_t>(limit - end_length)));
  if (!call.truth(1, false)) cut = cut.substr(0, cut.rfind(' '));
  return call.evaluator.text(cut + end, text.is_markup());
}

Value wordcount(const Call& call) {
  const Value text = call.input_text();
  int64_t n = 0;
  bool in_word = false;
  for (size_t i = 0; i < text.string().size();) {
    const CodePoint point = code_point_at(text.string(), i);
    const bool is_part = is_word_part(point.value);
    if (is_part && !in_word) ++n;
    in_word = is_part;
    i += point.length;
  }
  return n;
}

constexpr std::array kTextFilters = {
    Operation{"capitalize", as_method<kCapitalize>},
    Operation{"center", center, {"width"}},
    Operation{"e", escape},
    Operation{"escape", escape},
    Operation{"forceescape", forced_escape},
    Operation{.name = "format", .run = format, .is_open = true},
    Operation{"indent", indent, {"width", "first", "blank"}},
    Operation{"join", join, {"d", "attribute"}},
    Operation{"lower", as_method<kLower>},
    Operation{"replace", replace, {"old", "new", "count"}},
    Operation{"safe", safe},
    Operation{"string", string},
    Operation{"title", title},
    Operation{"trim", trim, {"chars"}},
    Operation{"truncate", truncate, {"length", "killwords", "end", "leeway"}},
    Operation{"upper", as_method<kUpper>},
    Operation{"wordcount", wordcount},
};
static_assert(is_sorted_by_name(kTextFilters));

}  // namespace

const Operation* find_text_filter(std::string_view name) { return find_operation(kTextFilters, name); }

}  // namespace kinglet::text::jinja
