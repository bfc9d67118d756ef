// Functions that every template knows.
#include <array>
#include <ctime>

#include "core/base/base.h"
#include "model/text/jinja/evaluator.h"

namespace kinglet::text::jinja {
namespace {

Value make_namespace(Evaluator& evaluator, const Arguments& given) {
  Dict members;
  for (const Value& source : given.positional) {
    if (!source.is_mapping()) evaluator.refuse("namespace() wants a dict or names");
    for (const auto& [key, value] : source.members().members) members.set(key, value);
  }
  for (const auto& [name, value] : given.named) members.set(name, value);
  return Value::dict(std::move(members), Value::Kind::kNamespace);
}

Value make_dict(Evaluator& evaluator, const Arguments& given) {
  Value made = make_namespace(evaluator, given);
  return Value::dict(std::move(made.members()));
}

Value raise_exception(Evaluator& evaluator, const Arguments& given) {
  evaluator.refuse(given.positional.empty() ? "the template raised an error" : to_text(given.positional[0]));
}

Value range(Evaluator& evaluator, const Arguments& given) {
  int64_t bounds[3] = {0, 0, 1};
  const size_t n = given.positional.size();
  if (n < 1 || n > 3) evaluator.refuse("range() wants one to three numbers");
  for (size_t i = 0; i < n; ++i) {
    if (!given.positional[i].is_integral()) evaluator.refuse("range() wants whole numbers");
    bounds[n == 1 ? 1 : i] = given.positional[i].integer();
  }
  constexpr int64_t kLongest = 100'000;  // Jinja's sandbox has the same limit
  if (bounds[2] == 0) evaluator.refuse("range() step must not be zero");
  List values;
  for (int64_t i = bounds[0]; bounds[2] > 0 ? i < bounds[1] : i > bounds[1]; i += bounds[2]) {
    if (static_cast<int64_t>(values.size()) >= kLongest) evaluator.refuse(str("range() is longer than ", kLongest));
    values.emplace_back(i);
    if ((bounds[2] > 0 && i > INT64_MAX - bounds[2]) || (bounds[2] < 0 && i < INT64_MIN - bounds[2])) break;
  }
  evaluator.spend(values.size());
  return Value::list(std::move(values));
}

Value strftime_now(Evaluator& evaluator, const Arguments& given) {
  if (given.positional.size() != 1 || !given.positional[0].is_string()) evaluator.refuse("strftime_now() wants a format");
  const std::string& format = given.positional[0].string();
  if (format.empty()) return "";
  const auto now = static_cast<std::time_t>(evaluator.options().now);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 1024> text{};
  const size_t n = std::strftime(text.data(), text.size(), format.c_str(), &parts);
  if (n == 0) evaluator.refuse("strftime_now(): the result is too long");
  return std::string(text.data(), n);
}

Value joiner(Evaluator&, const Arguments& given) {
  const Value* separator = argument(given, 0, "sep");
  auto used = std::make_shared<bool>(false);
  return Value::callable([used, text = separator == nullptr ? Value(", ") : *separator](Evaluator&, const Arguments&) {
    return std::exchange(*used, true) ? text : Value("");
  });
}

}  // namespace

void add_builtins(Scope& scope) {
  scope.names["namespace"] = Value::callable(make_namespace);
  scope.names["dict"] = Value::callable(make_dict);
  scope.names["raise_exception"] = Value::callable(raise_exception);
  scope.names["range"] = Value::callable(range);
  scope.names["strftime_now"] = Value::callable(strftime_now);
  scope.names["joiner"] = Value::callable(joiner);
}

}  // namespace kinglet::text::jinja
