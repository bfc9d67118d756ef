#include "model/text/go/functions.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/base/base.h"
#include "model/text/go/evaluator.h"
#include "model/text/go/printing.h"

namespace kinglet::text::go {
namespace {

using Kind = Value::Kind;
using Values = std::span<const Value>;

Value negated(Evaluator& /*evaluator*/, Values arguments) { return !arguments[0].truth(); }

size_t length_of(Evaluator& evaluator, const Value& value, std::string_view function) {
  switch (value.kind()) {
    case Kind::kString:
      return value.string().size();
    case Kind::kList:
      return value.items().size();
    case Kind::kMap:
      return value.members().size();
    case Kind::kNone:
      evaluator.refuse(str("error calling ", function, ": ", function, " of nil pointer"));
    default:
      evaluator.refuse(str("error calling ", function, ": ", function, " of type ", value.type_name()));
  }
}

Value length(Evaluator& evaluator, Values arguments) {
  return static_cast<int64_t>(length_of(evaluator, arguments[0], "len"));
}

size_t position_in(Evaluator& evaluator, const Value& place, size_t limit, std::string_view function) {
  if (!place.is(Kind::kInt)) {
    evaluator.refuse(str("error calling ", function, ": cannot index slice/array with ",
                         place.is_none() ? "nil" : "type ", place.is_none() ? "" : place.type_name()));
  }
  if (place.integer() < 0 || static_cast<uint64_t>(place.integer()) > limit) {
    evaluator.refuse(str("error calling ", function, ": index out of range: ", place.integer()));
  }
  return static_cast<size_t>(place.integer());
}

Value indexed(Evaluator& evaluator, Values arguments) {
  Value value = arguments[0];
  for (const Value& place : arguments.subspan(1)) {
    if (value.is(Kind::kMap)) {
      if (!place.is_string()) {
        evaluator.refuse(str("error calling index: value has type ", place.type_name(), "; should be string"));
      }
      const Value* found = value.find(place.string());
      value = found != nullptr ? *found : Value();
      continue;
    }
    if (!value.is(Kind::kList) && !value.is_string()) {
      evaluator.refuse(value.is_none() ? "error calling index: index of untyped nil"
                                       : str("error calling index: can't index item of type ", value.type_name()));
    }
    const size_t n = length_of(evaluator, value, "index");
    const size_t at = position_in(evaluator, place, n, "index");
    if (at >= n) evaluator.refuse(str("error calling index: index out of range: ", at));
    value = value.is_string() ? Value(static_cast<int64_t>(static_cast<uint8_t>(value.string()[at])))
                              : Value(value.items()[at]);
  }
  return value;
}

Value sliced(Evaluator& evaluator, Values arguments) {
  const Value& value = arguments[0];
  if (!value.is(Kind::kList) && !value.is_string()) {
    evaluator.refuse(value.is_none() ? "error calling slice: slice of untyped nil"
                                     : str("error calling slice: can't slice item of type ", value.type_name()));
  }
  if (arguments.size() > 4) {
    evaluator.refuse(str("error calling slice: too many slice indexes: ", arguments.size() - 1));
  }
  if (arguments.size() == 4 && value.is_string())
    evaluator.refuse("error calling slice: cannot 3-index slice a string");
  const size_t n = length_of(evaluator, value, "slice");
  const size_t begin = arguments.size() > 1 ? position_in(evaluator, arguments[1], n, "slice") : 0;
  const size_t end = arguments.size() > 2 ? position_in(evaluator, arguments[2], n, "slice") : n;
  const size_t room = arguments.size() > 3 ? position_in(evaluator, arguments[3], n, "slice") : n;
  if (begin > end || end > room) {
    evaluator.refuse(str("error calling slice: invalid slice index: ", begin, " > ", begin > end ? end : room));
  }
  if (value.is_string()) return evaluator.text(value.string().substr(begin, end - begin));
  evaluator.meter().look_at_values(end - begin);
  evaluator.meter().make((end - begin) * sizeof(Value));
  const auto first = value.items().begin() + static_cast<ptrdiff_t>(begin);
  return Value::list({first, first + static_cast<ptrdiff_t>(end - begin)});
}

// fmt.Sprint: a space between two operands of which neither is a text.
Value print_spaced(Evaluator& evaluator, Values arguments) {
  std::string out;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0 && !arguments[i].is_string() && !arguments[i - 1].is_string()) out += ' ';
    out += printed(evaluator.meter(), arguments[i]);
  }
  return evaluator.text(std::move(out));
}

Value print_line(Evaluator& evaluator, Values arguments) {
  std::string out;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0) out += ' ';
    out += printed(evaluator.meter(), arguments[i]);
  }
  return evaluator.text(out + '\n');
}

// What html and urlquery work on: a text as it is, several things as print writes them.
std::string argument_text(Evaluator& evaluator, Values arguments) {
  if (arguments.size() == 1 && arguments[0].is_none()) return "<no value>";
  return print_spaced(evaluator, arguments).string();
}

Value html_escaped(Evaluator& evaluator, Values arguments) {
  std::string out;
  for (const char c : argument_text(evaluator, arguments)) {
    constexpr std::string_view kSigns{"\0\"'&<>", 6};
    constexpr std::array<std::string_view, 6> kEscapes = {"\xEF\xBF\xBD", "&#34;", "&#39;", "&amp;", "&lt;", "&gt;"};
    const size_t i = kSigns.find(c);
    if (i == std::string_view::npos) {
      out += c;
    } else {
      out += kEscapes[i];
    }
  }
  return evaluator.text(std::move(out));
}

Value url_escaped(Evaluator& evaluator, Values arguments) {
  std::string out;
  for (const char c : argument_text(evaluator, arguments)) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    const auto byte = static_cast<uint8_t>(c);
    if (c == ' ') {
      out += '+';
    } else {
      out += plain ? std::string(1, c) : str('%', kDigits[byte >> 4], kDigits[byte & 15]);
    }
  }
  return evaluator.text(std::move(out));
}

Value as_json(Evaluator& evaluator, Values arguments) { return Value(to_json(evaluator.meter(), arguments[0])); }

Value today(Evaluator& evaluator, Values /*arguments*/) { return evaluator.date(0); }
Value yesterday(Evaluator& evaluator, Values /*arguments*/) { return evaluator.date(-1); }

std::string_view type_script_word(std::string_view type) {
  constexpr std::array<std::array<std::string_view, 2>, 7> kWords = {{{"string", "string"},
                                                                      {"number", "number"},
                                                                      {"integer", "number"},
                                                                      {"boolean", "boolean"},
                                                                      {"array", "any[]"},
                                                                      {"object", "Record<string, any>"},
                                                                      {"null", "null"}}};
  const auto* const found = std::ranges::find_if(kWords, [&](const auto& row) { return row[0] == type; });
  return found == kWords.end() ? "any" : (*found)[1];
}

// Of a tool's property; anything else is "any".
std::string type_script(Evaluator& evaluator, const Value& property) {
  if (!property.is(Kind::kStruct) || property.type_name() != "api.ToolProperty") return "any";
  const jinja::Meter::Level level(evaluator.meter());
  std::string out;
  const auto add = [&](std::string_view word) { out += str(out.empty() ? "" : " | ", word); };
  const Value* any_of = property.find("AnyOf");
  if (any_of != nullptr && any_of->truth()) {
    for (const Value& one : any_of->items()) add(type_script(evaluator, one));
    return out;
  }
  const Value* types = property.find("Type");
  if (types == nullptr || !types->truth()) return "any";
  for (const Value& type : types->items()) add(type.is_string() ? type_script_word(type.string()) : "any");
  return out;
}

Value to_type_script(Evaluator& evaluator, Values arguments) {
  return evaluator.text(type_script(evaluator, arguments[0]));
}

// ---- Comparison -------------------------------------------------------------------------------------------------

bool is_basic(const Value& value) {
  return value.is(Kind::kBool) || value.is(Kind::kInt) || value.is(Kind::kFloat) || value.is_string();
}

bool equal(Evaluator& evaluator, const Value& a, const Value& b, std::string_view function) {
  if (a.is_none() || b.is_none()) return a.is_none() && b.is_none();
  if (!is_basic(a) || !is_basic(b)) {
    evaluator.refuse(str("error calling ", function, ": non-comparable types ", a.type_name(), " and ", b.type_name()));
  }
  if (a.kind() != b.kind()) {
    evaluator.refuse(str("error calling ", function, ": incompatible types for comparison"));
  }
  evaluator.meter().look(a.is_string() ? std::min(a.string().size(), b.string().size()) : 1);
  if (a.is_string()) return a.string() == b.string();
  if (a.is(Kind::kBool)) return a.boolean() == b.boolean();
  return a.is(Kind::kInt) ? a.integer() == b.integer() : a.number() == b.number();
}

bool less(Evaluator& evaluator, const Value& a, const Value& b, std::string_view function) {
  if (!is_basic(a) || !is_basic(b) || (a.is(Kind::kBool) && b.is(Kind::kBool))) {
    evaluator.refuse(str("error calling ", function, ": invalid type for comparison"));
  }
  if (a.kind() != b.kind()) {
    evaluator.refuse(str("error calling ", function, ": incompatible types for comparison"));
  }
  evaluator.meter().look(a.is_string() ? std::min(a.string().size(), b.string().size()) : 1);
  if (a.is_string()) return a.string() < b.string();
  return a.is(Kind::kInt) ? a.integer() < b.integer() : a.number() < b.number();
}

// Whether the first is equal to any of the others.
Value eq(Evaluator& evaluator, Values arguments) {
  return std::ranges::any_of(arguments.subspan(1),
                             [&](const Value& other) { return equal(evaluator, arguments[0], other, "eq"); });
}
Value ne(Evaluator& evaluator, Values arguments) { return !equal(evaluator, arguments[0], arguments[1], "ne"); }
Value lt(Evaluator& evaluator, Values arguments) { return less(evaluator, arguments[0], arguments[1], "lt"); }
Value le(Evaluator& evaluator, Values arguments) {
  return less(evaluator, arguments[0], arguments[1], "le") || equal(evaluator, arguments[0], arguments[1], "le");
}
Value gt(Evaluator& evaluator, Values arguments) { return !le(evaluator, arguments).boolean(); }
Value ge(Evaluator& evaluator, Values arguments) { return !less(evaluator, arguments[0], arguments[1], "ge"); }

constexpr std::array kFunctions = {
    Function{"and", nullptr, 1},
    Function{"currentDate", today},
    Function{"eq", eq, 2},
    Function{"ge", ge, 2, 2},
    Function{"gt", gt, 2, 2},
    Function{"html", html_escaped},
    Function{"index", indexed, 1},
    Function{"json", as_json, 1, 1},
    Function{"le", le, 2, 2},
    Function{"len", length, 1, 1},
    Function{"lt", lt, 2, 2},
    Function{"ne", ne, 2, 2},
    Function{"not", negated, 1, 1},
    Function{"or", nullptr, 1},
    Function{"print", print_spaced},
    Function{"printf", print_formatted, 1},
    Function{"println", print_line},
    Function{"slice", sliced, 1},
    Function{"toTypeScriptType", to_type_script, 1, 1},
    Function{"urlquery", url_escaped},
    Function{"yesterdayDate", yesterday},
};

}  // namespace

const Function* find_function(std::string_view name) {
  const auto* const found = std::ranges::find(kFunctions, name, &Function::name);
  return found != kFunctions.end() ? found : nullptr;
}

}  // namespace kinglet::text::go
