// What may stand behind `is`.
#include <algorithm>
#include <array>

#include "core/base/base.h"
#include "model/text/jinja/evaluator.h"
#include "model/text/jinja/letters.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

template <Kind kKind>
bool is_kind(Evaluator&, const Value& value, const Arguments&) {
  return value.is(kKind);
}

template <char kOp>
bool compares(Evaluator& evaluator, const Value& value, const Arguments& given) {
  if (given.positional.size() != 1) evaluator.refuse("the test wants one value to compare with");
  constexpr std::string_view kOps = kOp == '=' ? "==" : kOp == '!' ? "!=" : kOp == '<' ? "<" : kOp == '>' ? ">" : kOp == 'l' ? "<=" : kOp == 'g' ? ">=" : "in";
  return evaluator.compare(kOps, value, given.positional[0]);
}

template <bool kOdd>
bool is_odd(Evaluator& evaluator, const Value& value, const Arguments&) {
  if (!value.is_integral()) evaluator.refuse("odd and even are for whole numbers");
  return (value.integer() % 2 != 0) == kOdd;
}

bool is_divisible(Evaluator& evaluator, const Value& value, const Arguments& given) {
  const Value* by = argument(given, 0, "num");
  if (by == nullptr || !by->is_integral() || by->integer() == 0 || !value.is_integral()) evaluator.refuse("divisibleby wants whole numbers");
  return by->integer() == -1 || value.integer() % by->integer() == 0;
}

struct Row {
  std::string_view name;
  Test test;
};

constexpr std::array kTests = {
    Row{"defined", [](Evaluator&, const Value& v, const Arguments&) { return !v.is_undefined(); }},
    Row{"undefined", is_kind<Kind::kUndefined>},
    Row{"none", is_kind<Kind::kNone>},
    Row{"boolean", is_kind<Kind::kBool>},
    Row{"true", [](Evaluator&, const Value& v, const Arguments&) { return v.is(Kind::kBool) && v.truth(); }},
    Row{"false", [](Evaluator&, const Value& v, const Arguments&) { return v.is(Kind::kBool) && !v.truth(); }},
    Row{"integer", is_kind<Kind::kInt>},
    Row{"float", is_kind<Kind::kFloat>},
    Row{"number", [](Evaluator&, const Value& v, const Arguments&) { return v.is_number(); }},
    Row{"string", is_kind<Kind::kString>},
    Row{"mapping", is_kind<Kind::kDict>},
    Row{"sequence",
        [](Evaluator&, const Value& v, const Arguments&) {
          return v.is_string() || v.is(Kind::kList) || v.is(Kind::kTuple) || v.is_mapping() || v.is_undefined();
        }},
    Row{"iterable",
        [](Evaluator&, const Value& v, const Arguments&) {
          return v.is_string() || v.is_sequence() || v.is_mapping() || v.is_undefined();
        }},
    Row{"callable", is_kind<Kind::kCallable>},
    Row{"sameas",
        [](Evaluator& evaluator, const Value& v, const Arguments& given) {
          if (given.positional.size() != 1) evaluator.refuse("sameas wants one value");
          return v.same_as(given.positional[0]);
        }},
    Row{"lower", [](Evaluator&, const Value& v, const Arguments&) { return to_text(v) == lower(to_text(v)) && to_text(v) != upper(to_text(v)); }},
    Row{"upper", [](Evaluator&, const Value& v, const Arguments&) { return to_text(v) == upper(to_text(v)) && to_text(v) != lower(to_text(v)); }},
    Row{"odd", is_odd<true>},
    Row{"even", is_odd<false>},
    Row{"divisibleby", is_divisible},
    Row{"filter", [](Evaluator&, const Value& v, const Arguments&) { return find_filter(to_text(v)) != nullptr; }},
    Row{"test", [](Evaluator&, const Value& v, const Arguments&) { return find_test(to_text(v)) != nullptr; }},
    Row{"in", compares<'i'>},
    Row{"eq", compares<'='>},
    Row{"equalto", compares<'='>},
    Row{"==", compares<'='>},
    Row{"ne", compares<'!'>},
    Row{"!=", compares<'!'>},
    Row{"lt", compares<'<'>},
    Row{"lessthan", compares<'<'>},
    Row{"<", compares<'<'>},
    Row{"gt", compares<'>'>},
    Row{"greaterthan", compares<'>'>},
    Row{">", compares<'>'>},
    Row{"le", compares<'l'>},
    Row{"<=", compares<'l'>},
    Row{"ge", compares<'g'>},
    Row{">=", compares<'g'>},
};

}  // namespace

Test find_test(std::string_view name) {
  const auto found = std::ranges::find(kTests, name, &Row::name);
  return found == kTests.end() ? nullptr : found->test;
}

}  // namespace kinglet::text::jinja
