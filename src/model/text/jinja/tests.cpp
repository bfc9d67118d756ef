// What may stand behind `is`.
#include <array>
#include <cmath>

#include "core/base/base.h"
#include "model/text/jinja/letters.h"
#include "model/text/jinja/operation.h"
#include "model/text/jinja/operators.h"
#include "model/text/jinja/printing.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

template <Kind kKind>
Value is_kind(const Call& call) {
  return call.input.is(kKind);
}

template <bool kTruth>
Value is_truth(const Call& call) {
  return call.input.is(Kind::kBool) && call.input.truth() == kTruth;
}

template <Operator kOp>
Value compares(const Call& call) {
  return compare(call.evaluator, kOp, call.input, call.need(0));
}

Value remainder(const Call& call, const Value& by) { return binary(call.evaluator, Operator::kModulo, call.input, by); }

template <int64_t kRest>
Value is_remainder_of_two(const Call& call) {
  if (!call.input.is_number() && !call.input.is_undefined()) call.evaluator.refuse("odd and even are for numbers");
  return equal(call.evaluator.meter(), remainder(call, int64_t{2}), kRest);
}

Value is_divisible(const Call& call) {
  if (!call.need(0).is_number() || call.input.is_string()) call.evaluator.refuse("divisibleby is for numbers");
  return equal(call.evaluator.meter(), remainder(call, call.need(0)), int64_t{0});
}

Value is_sequence(const Call& call) {
  return call.input.is_string() || call.input.is_indexed() || call.input.is_mapping() || call.input.is_undefined();
}
Value is_iterable(const Call& call) {
  return call.input.is_string() || call.input.is_sequence() || call.input.is_mapping() || call.input.is_undefined();
}
Value is_callable(const Call& call) {
  return call.input.is(Kind::kCallable) || call.input.is(Kind::kLoop) || call.input.is_undefined();
}

constexpr std::array kTests = {
    Operation{"!=", compares<Operator::kNotEqual>, {"other"}},
    Operation{"<", compares<Operator::kLess>, {"other"}},
    Operation{"<=", compares<Operator::kLessEqual>, {"other"}},
    Operation{"==", compares<Operator::kEqual>, {"other"}},
    Operation{">", compares<Operator::kGreater>, {"other"}},
    Operation{">=", compares<Operator::kGreaterEqual>, {"other"}},
    Operation{"boolean", is_kind<Kind::kBool>},
    Operation{"callable", is_callable},
    Operation{"defined", [](const Call& call) { return Value(!call.input.is_undefined()); }},
    Operation{"divisibleby", is_divisible, {"num"}},
    Operation{"eq", compares<Operator::kEqual>, {"other"}},
    Operation{"equalto", compares<Operator::kEqual>, {"other"}},
    Operation{"escaped", [](const Call& call) { return Value(call.input.is_markup()); }},
    Operation{"even", is_remainder_of_two<0>},
    Operation{"false", is_truth<false>},
    Operation{"filter", [](const Call& call) { return Value(find_filter(call.input_text().string()) != nullptr); }},
    Operation{"float", is_kind<Kind::kFloat>},
    Operation{"ge", compares<Operator::kGreaterEqual>, {"other"}},
    Operation{"greaterthan", compares<Operator::kGreater>, {"other"}},
    Operation{"gt", compares<Operator::kGreater>, {"other"}},
    Operation{"in", compares<Operator::kIn>, {"seq"}},
    Operation{"integer", is_kind<Kind::kInt>},
    Operation{"iterable", is_iterable},
    Operation{"le", compares<Operator::kLessEqual>, {"other"}},
    Operation{"lessthan", compares<Operator::kLess>, {"other"}},
    Operation{"lower", [](const Call& call) { return Value(is_lower(call.input_text().string())); }},
    Operation{"lt", compares<Operator::kLess>, {"other"}},
    Operation{"mapping", is_kind<Kind::kDict>},
    Operation{"ne", compares<Operator::kNotEqual>, {"other"}},
    Operation{"none", is_kind<Kind::kNone>},
    Operation{"number", [](const Call& call) { return Value(call.input.is_number()); }},
    Operation{"odd", is_remainder_of_two<1>},
    Operation{"sameas", [](const Call& call) { return Value(call.input.same_as(call.need(0))); }, {"other"}},
    Operation{"sequence", is_sequence},
    Operation{"string", is_kind<Kind::kString>},
    Operation{"test", [](const Call& call) { return Value(find_test(call.input_text().string()) != nullptr); }},
    Operation{"true", is_truth<true>},
    Operation{"undefined", is_kind<Kind::kUndefined>},
    Operation{"upper", [](const Call& call) { return Value(is_upper(call.input_text().string())); }},
};
static_assert(is_sorted_by_name(kTests));

}  // namespace

const Operation* find_test(std::string_view name) { return find_operation(kTests, name); }

}  // namespace kinglet::text::jinja
