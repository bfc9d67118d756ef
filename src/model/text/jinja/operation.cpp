#include "model/text/jinja/operation.h"

#include "core/base/base.h"
#include "model/text/jinja/printing.h"

namespace kinglet::text::jinja {

Call::Call(const Operation& operation, Evaluator& evaluator_, const Value& input_, const Arguments& arguments_)
    : evaluator(evaluator_), input(input_), arguments(arguments_), operation_(operation) {
  if (operation.is_open) return;
  const auto& parameters = operation.parameters;
  const auto n = static_cast<size_t>(std::ranges::find(parameters, std::string_view()) - parameters.begin());
  if (arguments.positional.size() > n) {
    evaluator.refuse(
        str(operation.name, "() takes ", n, " arguments but ", arguments.positional.size(), " were given"));
  }
  for (size_t i = 0; i < arguments.positional.size(); ++i) given_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto i = static_cast<size_t>(std::ranges::find(parameters, name) - parameters.begin());
    if (i >= n || given_[i] != nullptr) {
      evaluator.refuse(str(operation.name, "() got ", i < n ? "two values for the" : "an unexpected", " argument '",
                           name.substr(0, 100), "'"));
    }
    given_[i] = &value;
  }
}

const Value& Call::need(size_t i) const {
  if (given_[i] == nullptr)
    evaluator.refuse(str(operation_.name, "() wants the argument '", operation_.parameters[i], "'"));
  return *given_[i];
}

const std::string& Call::string(size_t i) const {
  const Value& value = need(i);
  if (value.is_undefined()) evaluator.refuse(value.hint());
  if (!value.is_string()) {
    evaluator.refuse(str(operation_.name, "(): '", operation_.parameters[i], "' must be str, not ", value.type_name()));
  }
  return value.string();
}

int64_t Call::integer(size_t i, int64_t standard) const {
  if (given_[i] == nullptr) return standard;
  if (given_[i]->is_undefined()) evaluator.refuse(given_[i]->hint());
  if (!given_[i]->is_integral()) {
    evaluator.refuse(
        str(operation_.name, "(): '", operation_.parameters[i], "' must be int, not ", given_[i]->type_name()));
  }
  return given_[i]->integer();
}

std::string Call::text(size_t i, std::string_view standard) const {
  return given_[i] == nullptr ? std::string(standard) : as_text(evaluator.meter(), *given_[i]).string();
}

Value Call::input_text() const { return as_text(evaluator.meter(), input); }

Value perform(const Operation& operation, Evaluator& evaluator, const Value& input, const Arguments& arguments) {
  const Meter::Level level(evaluator.meter());
  evaluator.meter().step();
  // Most operations on texts walk over them.
  if (input.is_string()) evaluator.meter().look(input.string().size());
  return operation.run(Call(operation, evaluator, input, arguments));
}

}  // namespace kinglet::text::jinja
