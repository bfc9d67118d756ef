#include "model/text/go/evaluator.h"

#include <algorithm>

#include "core/base/base.h"
#include "model/text/go/functions.h"
#include "model/text/go/printing.h"
#include "model/text/jinja/strftime.h"

namespace kinglet::text::go {

using Kind = Value::Kind;
using jinja::Meter;

std::string Evaluator::render(const Value& data) {
  variables_.emplace_back("$", data);
  run(tree_.root, data);
  return std::move(out_);
}

Value Evaluator::text(std::string text) {
  meter_.make(text.size());
  return text;
}

std::string Evaluator::date(int days) const {
  return jinja::format_time("%Y-%m-%d", meter_.options().now + int64_t{days} * 24 * 3600);
}

void Evaluator::print(std::string_view text) {
  meter_.look(text.size());
  meter_.check_output(out_.size() + text.size());
  out_ += text;
}

Evaluator::Flow Evaluator::run(const Nodes& nodes, const Value& dot) {
  for (const Node& node : nodes) {
    if (node.order > last_order_) continue;
    if (const Flow flow = run(node, dot); flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run(const Node& node, const Value& dot) {
  meter_.step();
  const Meter::Level level(meter_);
  switch (node.kind) {
    case Node::Kind::kText:
      print(node.text);
      return Flow::kNext;
    case Node::Kind::kAction: {
      const Value value = evaluate_and_set(*node.pipe, dot);
      if (node.pipe->variables.empty()) print(value.is_none() ? "<no value>" : printed(meter_, value));
      return Flow::kNext;
    }
    case Node::Kind::kIf:
    case Node::Kind::kWith:
      return run_branch(node, dot);
    case Node::Kind::kRange:
      return run_range(node, dot);
    case Node::Kind::kTemplate:
      run_template(node, dot);
      return Flow::kNext;
    case Node::Kind::kBreak:
      return Flow::kBreak;
    case Node::Kind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run_branch(const Node& node, const Value& dot) {
  const size_t n_variables = variables_.size();
  const Value value = evaluate_and_set(*node.pipe, dot);
  const bool is_with = node.kind == Node::Kind::kWith;
  const Flow flow = value.truth() ? run(node.body, is_with ? value : dot) : run(node.otherwise, dot);
  variables_.resize(n_variables);
  return flow;
}

bool Evaluator::turn(const Node& node, const Value& index, const Value& element) {
  const std::vector<std::string>& names = node.pipe->variables;
  // Of two variables the first one is the index.
  if (names.size() == 1) variable(names[0]) = element;
  if (names.size() == 2) {
    variable(names[0]) = index;
    variable(names[1]) = element;
  }
  const size_t n_variables = variables_.size();
  meter_.step();
  const Flow flow = run(node.body, element);
  variables_.resize(n_variables);
  return flow != Flow::kBreak;
}

Evaluator::Flow Evaluator::run_range(const Node& node, const Value& dot) {
  const size_t n_variables = variables_.size();
  const Value value = evaluate(*node.pipe, dot);
  if (!node.pipe->assigns) {
    for (const std::string& name : node.pipe->variables) variables_.emplace_back(name, value);
  }
  bool any = false;
  switch (value.kind()) {
    case Kind::kNone:
      break;
    case Kind::kInt:
      for (int64_t i = 0; i < value.integer(); ++i) {
        any = true;
        if (!turn(node, i, i)) break;
      }
      break;
    case Kind::kList:
      for (size_t i = 0; i < value.items().size(); ++i) {
        any = true;
        if (!turn(node, static_cast<int64_t>(i), value.items()[i])) break;
      }
      break;
    case Kind::kMap:
      for (const Member& member : value.members()) {
        any = true;
        if (!turn(node, member.name, member.value)) break;
      }
      break;
    default:
      at(node.pipe->position);
      refuse(str("range can't iterate over a ", value.type_name()));
  }
  const Flow flow = any ? Flow::kNext : run(node.otherwise, dot);
  variables_.resize(n_variables);
  return flow;
}

void Evaluator::run_template(const Node& node, const Value& dot) {
  at(node.position);
  const auto found = tree_.templates.find(node.text);
  if (found == tree_.templates.end()) refuse(str("template \"", node.text, "\" not defined"));
  const Value data = node.pipe == nullptr ? Value() : evaluate(*node.pipe, dot);
  auto outer = std::exchange(variables_, {});
  variables_.emplace_back("$", data);
  // What is left out is left out of the root alone.
  const uint32_t last_order = std::exchange(last_order_, UINT32_MAX);
  run(found->second, data);
  last_order_ = last_order;
  variables_ = std::move(outer);
}

Value& Evaluator::variable(std::string_view name) {
  const auto found = std::find_if(variables_.rbegin(), variables_.rend(),
                                  [&](const auto& variable) { return variable.first == name; });
  if (found == variables_.rend()) refuse(str("undefined variable \"", name, "\""));
  return found->second;
}

Value Evaluator::evaluate_and_set(const Pipe& pipe, const Value& dot) {
  Value value = evaluate(pipe, dot);
  for (const std::string& name : pipe.variables) {
    if (pipe.assigns) {
      variable(name) = value;
    } else {
      variables_.emplace_back(name, value);
    }
  }
  return value;
}

Value Evaluator::evaluate(const Pipe& pipe, const Value& dot) {
  const Meter::Level level(meter_);
  Value value;
  bool is_first = true;
  for (const Command& command : pipe.commands) {
    const Value last = value;
    value = evaluate(command, dot, std::exchange(is_first, false) ? nullptr : &last);
  }
  return value;
}

Value Evaluator::evaluate(const Command& command, const Value& dot, const Value* last) {
  const Operand& first = command.operands.front();
  at(first.position);
  if (first.kind == Operand::Kind::kFunction && first.fields.empty()) return call(command, dot, last);
  if (command.operands.size() > 1 || last != nullptr) {
    refuse(first.fields.empty() ? "can't give argument to non-function"
                                : str(first.fields.back(), " is not a method but has arguments"));
  }
  if (first.kind == Operand::Kind::kNil) refuse("nil is not a command");
  return evaluate(first, dot);
}

Value Evaluator::evaluate(const Operand& operand, const Value& dot) {
  meter_.step();
  at(operand.position);
  switch (operand.kind) {
    case Operand::Kind::kDot:
      return take_fields(dot, operand);
    case Operand::Kind::kNil:
      return {};
    case Operand::Kind::kConstant:
      return operand.constant;
    case Operand::Kind::kVariable:
      return take_fields(variable(operand.name), operand);
    case Operand::Kind::kFunction: {
      Command command;
      command.operands.push_back(operand);
      command.operands.front().fields.clear();
      return take_fields(call(command, dot, nullptr), operand);
    }
    case Operand::Kind::kPipe: {
      Value value = evaluate(*operand.pipe, dot);
      at(operand.position);
      return take_fields(std::move(value), operand);
    }
  }
  return {};
}

Value Evaluator::take_fields(Value value, const Operand& operand) {
  bool is_first = true;
  for (const std::string& name : operand.fields) value = field(value, name, std::exchange(is_first, false));
  return value;
}

// A variable or pipeline that has no value has no fields either; a field that is not there has none to take.
Value Evaluator::field(const Value& value, std::string_view name, bool is_first) {
  meter_.step();
  if (value.is_none()) {
    if (is_first) return {};
    refuse(str("nil pointer evaluating interface {}.", name));
  }
  const Value* found = value.is_object() ? value.find(name) : nullptr;
  if (found != nullptr) return *found;
  if (value.is(Kind::kMap)) return {};
  refuse(str("can't evaluate field ", name, " in type ", value.type_name()));
}

Value Evaluator::call(const Command& command, const Value& dot, const Value* last) {
  const Operand& name = command.operands.front();
  const Function& function = *find_function(name.name);
  const size_t n_arguments = command.operands.size() - 1 + (last != nullptr ? 1 : 0);
  if (n_arguments < function.n_least || n_arguments > function.n_most) {
    refuse(str("wrong number of args for ", function.name, ": want ",
               function.n_least == function.n_most ? "" : "at least ", function.n_least, " got ", n_arguments));
  }
  if (function.run == nullptr) {  // and, or: up to the first argument that decides
    Value value;
    for (size_t i = 1; i < command.operands.size(); ++i) {
      value = evaluate(command.operands[i], dot);
      if (value.truth() == (function.name == "or")) return value;
    }
    return last != nullptr ? *last : value;
  }
  std::vector<Value> arguments;
  for (size_t i = 1; i < command.operands.size(); ++i) arguments.push_back(evaluate(command.operands[i], dot));
  if (last != nullptr) arguments.push_back(*last);
  at(name.position);
  return function.run(*this, arguments);
}

}  // namespace kinglet::text::go
