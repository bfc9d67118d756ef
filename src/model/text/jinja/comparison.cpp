// Comparing values.
#include <algorithm>
#include <cmath>
#include <compare>

#include "core/base/base.h"
#include "model/text/jinja/operators.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

// Exact, although not every whole number is a double.
std::partial_ordering order_of_numbers(const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return a.integer() <=> b.integer();
  if (a.is(Kind::kFloat) && b.is(Kind::kFloat)) return a.number() <=> b.number();
  if (a.is(Kind::kFloat)) return 0 <=> order_of_numbers(b, a);
  const double number = b.number();
  if (std::isnan(number)) return std::partial_ordering::unordered;
  if (number >= 0x1p63) return std::partial_ordering::less;
  if (number < -0x1p63) return std::partial_ordering::greater;
  const double whole = std::floor(number);
  const auto order = a.integer() <=> static_cast<int64_t>(whole);
  return order == 0 && number > whole ? std::partial_ordering::less : std::partial_ordering(order);
}

bool equal_items(Meter& meter, const List& a, const List& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!equal(meter, a[i], b[i])) return false;
  }
  return true;
}

bool equal_members(Meter& meter, const Dict& a, const Dict& b) {
  if (a.size() != b.size()) return false;
  return std::ranges::all_of(a.members(), [&](const Dict::Member& member) {
    const Value* other = b.find(member.first);
    return other != nullptr && equal(meter, member.second, *other);
  });
}

std::partial_ordering order(Evaluator& evaluator, Operator op, const Value& a, const Value& b) {
  Meter& meter = evaluator.meter();
  meter.step();
  if (a.is_number() && b.is_number()) return order_of_numbers(a, b);
  if (a.is_string() && b.is_string()) {
    meter.look(std::min(a.string().size(), b.string().size()));
    return a.string().compare(b.string()) <=> 0;
  }
  if ((a.is(Kind::kList) || a.is(Kind::kTuple)) && a.kind() == b.kind()) {
    const List& left = a.items();
    const List& right = b.items();
    for (size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
      if (!equal(meter, left[i], right[i])) return order(evaluator, op, left[i], right[i]);
    }
    return left.size() <=> right.size();
  }
  if (a.is_undefined()) evaluator.refuse(a.hint());
  if (b.is_undefined()) evaluator.refuse(b.hint());
  evaluator.refuse(
      str("'", spelling(op), "' not supported between instances of '", a.type_name(), "' and '", b.type_name(), "'"));
}

bool contains(Evaluator& evaluator, const Value& container, const Value& value) {
  Meter& meter = evaluator.meter();
  if (container.is_string()) {
    if (!value.is_string())
      evaluator.refuse(str("'in <string>' requires string as left operand, not ", value.type_name()));
    charge_search(meter, container.string().size(), value.string().size());
    return container.string().find(value.string()) != std::string::npos;
  }
  if (container.is_mapping()) {
    if (value.is(Kind::kList) || value.is_mapping())
      evaluator.refuse(str("unhashable type: '", value.type_name(), "'"));
    return container.members().find(value) != nullptr;
  }
  const Items items = evaluator.iterate(container);
  return std::ranges::any_of(items, [&](const Value& item) { return equal(meter, item, value); });
}

}  // namespace

bool equal(Meter& meter, const Value& a, const Value& b) {
  meter.step();
  if (a.is_number() && b.is_number()) return order_of_numbers(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kString:
      meter.look(a.string().size() == b.string().size() ? a.string().size() : 0);
      return a.string() == b.string();
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kRange:
      return equal_items(meter, a.items(), b.items());
    case Kind::kDict:
      return equal_members(meter, a.members(), b.members());
    default:
      return a.same_as(b);
  }
}

bool compare(Evaluator& evaluator, Operator op, const Value& left, const Value& right) {
  if (op == Operator::kEqual) return equal(evaluator.meter(), left, right);
  if (op == Operator::kNotEqual) return !equal(evaluator.meter(), left, right);
  if (op == Operator::kIn) return contains(evaluator, right, left);
  if (op == Operator::kNotIn) return !contains(evaluator, right, left);
  const std::partial_ordering sign = order(evaluator, op, left, right);
  if (op == Operator::kLess) return sign < 0;
  if (op == Operator::kLessEqual) return sign <= 0;
  return op == Operator::kGreater ? sign > 0 : sign >= 0;
}

}  // namespace kinglet::text::jinja
