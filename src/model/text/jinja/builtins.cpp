// Functions that every template knows.
#include "core/base/base.h"
#include "model/text/jinja/evaluator.h"
#include "model/text/jinja/operation.h"
#include "model/text/jinja/printing.h"
#include "model/text/jinja/strftime.h"

namespace kinglet::text::jinja {
namespace {

// Members of dict(mapping, name=value, ...) and namespace(...).
Dict members(Evaluator& evaluator, const Arguments& given) {
  Dict made;
  if (given.positional.size() > 1) evaluator.refuse("dict() and namespace() take one mapping and names");
  for (const Value& source : given.positional) {
    if (source.is_mapping()) {
      evaluator.meter().make(2 * source.members().size() * sizeof(Dict::Member));
      made = source.members();
      continue;
    }
    for (const Value& pair : evaluator.iterate(source)) {
      const Items both = evaluator.iterate(pair);
      if (both.size() != 2) evaluator.refuse("dict() wants pairs");
      if (!Dict::may_be_key(both[0])) evaluator.refuse(str("unhashable type: '", both[0].type_name(), "'"));
      evaluator.meter().make(2 * sizeof(Dict::Member));
      made.set(both[0], both[1]);
    }
  }
  for (const auto& [name, value] : given.named) made.set(name, value);
  return made;
}

Value make_namespace(Evaluator& evaluator, const Arguments& given) {
  return evaluator.make_namespace(members(evaluator, given));
}
Value make_dict(Evaluator& evaluator, const Arguments& given) { return evaluator.dict(members(evaluator, given)); }

Value raise_exception(Evaluator& evaluator, const Arguments& given) {
  if (given.positional.size() != 1) evaluator.refuse("raise_exception() wants one message");
  constexpr size_t kMaxMessage = 2000;
  evaluator.refuse(as_text(evaluator.meter(), given.positional[0]).string().substr(0, kMaxMessage));
}

Value range(Evaluator& evaluator, const Arguments& given) {
  constexpr uint64_t kLongest = 100'000;  // Jinja's sandbox has the same limit
  int64_t bounds[3] = {0, 0, 1};
  const size_t n = given.positional.size();
  if (n < 1 || n > 3) evaluator.refuse("range() wants one to three numbers");
  for (size_t i = 0; i < n; ++i) {
    if (given.positional[i].is_undefined()) evaluator.refuse(given.positional[i].hint());
    if (!given.positional[i].is_integral()) evaluator.refuse("range() wants whole numbers");
    bounds[n == 1 ? 1 : i] = given.positional[i].integer();
  }
  const auto [begin, end, step] = bounds;
  if (step == 0) evaluator.refuse("range() step must not be zero");
  // In unsigned numbers no distance is too large.
  const bool is_empty = step > 0 ? begin >= end : begin <= end;
  const uint64_t distance = step > 0 ? static_cast<uint64_t>(end) - static_cast<uint64_t>(begin)
                                     : static_cast<uint64_t>(begin) - static_cast<uint64_t>(end);
  const uint64_t pace = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  const uint64_t count = is_empty ? 0 : (distance - 1) / pace + 1;
  if (count > kLongest) evaluator.refuse(str("range() has ", count, " numbers, the limit is ", kLongest));
  evaluator.meter().make(static_cast<size_t>(count) * sizeof(Value));
  List values;
  values.reserve(static_cast<size_t>(count));
  for (uint64_t i = 0; i < count; ++i) values.emplace_back(begin + static_cast<int64_t>(i) * step);
  return Value::list(
      std::move(values), Value::Kind::kRange,
      step == 1 ? str("range(", begin, ", ", end, ")") : str("range(", begin, ", ", end, ", ", step, ")"));
}

Value strftime_now(Evaluator& evaluator, const Arguments& given) {
  if (given.positional.size() != 1 || !given.positional[0].is_string())
    evaluator.refuse("strftime_now() wants a format");
  const std::string& format = given.positional[0].string();
  evaluator.meter().make(kLongestTimePart * format.size());
  return format_time(format, evaluator.meter().options().now);
}

Value joiner(Evaluator& evaluator, const Arguments& given) {
  const Value* separator = given.positional.empty() ? nullptr : &given.positional[0];
  for (const auto& [name, value] : given.named) separator = name == "sep" ? &value : separator;
  const Value text = separator == nullptr ? Value(", ") : *separator;
  if (text.depth() >= Evaluator::kMaxValueDepth)
    evaluator.refuse(str("values nested deeper than ", Evaluator::kMaxValueDepth));
  evaluator.meter().make(sizeof(Callable) + sizeof(Value));
  auto used = std::make_shared<bool>(false);
  return Value::callable(
      [used, text](Evaluator&, const Arguments&) { return std::exchange(*used, true) ? text : Value(""); }, "<Joiner>",
      text.depth() + 1);
}

}  // namespace

void add_builtins(Scope& scope) {
  const auto add = [&](std::string_view name, Value (*function)(Evaluator&, const Arguments&)) {
    scope.names.emplace(name, Value::callable(function, str("<function ", name, ">")));
  };
  add("namespace", make_namespace);
  add("dict", make_dict);
  add("raise_exception", raise_exception);
  add("range", range);
  add("strftime_now", strftime_now);
  add("joiner", joiner);
}

}  // namespace kinglet::text::jinja
