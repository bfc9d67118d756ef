// How the evaluator runs statements.
#include <algorithm>

#include "core/base/base.h"
#include "model/text/jinja/evaluator.h"
#include "model/text/jinja/operators.h"
#include "model/text/jinja/printing.h"

namespace kinglet::text::jinja {

using Kind = Value::Kind;

Evaluator::Flow Evaluator::run(const Body& body, const ScopePtr& scope, std::string& out) {
  for (const auto& statement : body) {
    if (const Flow flow = run(*statement, scope, out); flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run(const Statement& statement, const ScopePtr& scope, std::string& out) {
  const Meter::Level level(meter_);
  meter_.at_line(statement.line);
  meter_.step();
  switch (statement.kind) {
    case Statement::Kind::kText:
      print(out, statement.name);
      break;
    case Statement::Kind::kPrint:
      print(out, as_text(meter_, evaluate(*statement.value, scope)).string());
      break;
    case Statement::Kind::kIf:
      return run_if(statement, scope, out);
    case Statement::Kind::kFor:
      loop_over(statement, scope, evaluate(*statement.value, scope), 0, out);
      break;
    case Statement::Kind::kSet:
      assign(*statement.target, evaluate(*statement.value, scope), scope);
      break;
    case Statement::Kind::kSetBlock:
      run_set_block(statement, scope);
      break;
    case Statement::Kind::kFilter:
      run_filter_block(statement, scope, out);
      break;
    case Statement::Kind::kMacro:
      set_name(*scope, statement.name, make_macro(statement, scope));
      break;
    case Statement::Kind::kCallBlock:
      run_call_block(statement, scope, out);
      break;
    case Statement::Kind::kWith:
      return run_with(statement, scope, out);
    case Statement::Kind::kBreak:
      return Flow::kBreak;
    case Statement::Kind::kContinue:
      return Flow::kContinue;
    case Statement::Kind::kDo:
      evaluate(*statement.value, scope);
      break;
  }
  return Flow::kNext;
}

void Evaluator::print(std::string& out, std::string_view text) {
  meter_.check_output(out.size() + text.size());
  meter_.make(text.size());
  out.append(text);
}

Evaluator::Flow Evaluator::run_if(const Statement& statement, const ScopePtr& scope, std::string& out) {
  for (const Branch& branch : statement.branches) {
    if (evaluate(*branch.condition, scope).truth()) return run(branch.body, scope, out);
  }
  return run(statement.otherwise, scope, out);
}

Evaluator::Flow Evaluator::run_with(const Statement& statement, const ScopePtr& scope, std::string& out) {
  const auto inside = std::make_shared<Scope>(scope);
  for (const auto& [name, value] : statement.parameters) set_name(*inside, name, evaluate(*value, scope));
  return run(statement.body, inside, out);
}

void Evaluator::run_set_block(const Statement& statement, const ScopePtr& scope) {
  std::string printed;
  run(statement.body, std::make_shared<Scope>(scope), printed);
  Value value(std::move(printed));
  if (statement.value != nullptr) value = block_filtered(*statement.value, value, scope);
  assign(*statement.target, value, scope);
}

void Evaluator::run_filter_block(const Statement& statement, const ScopePtr& scope, std::string& out) {
  std::string printed;
  run(statement.body, std::make_shared<Scope>(scope), printed);
  print(out, as_text(meter_, block_filtered(*statement.value, Value(std::move(printed)), scope)).string());
}

void Evaluator::run_call_block(const Statement& statement, const ScopePtr& scope, std::string& out) {
  const Value function = evaluate(*statement.value->parts[0], scope);
  Arguments given = arguments(*statement.value, scope);
  given.named.emplace_back("caller", make_macro(statement, scope));
  print(out, as_text(meter_, call(function, given)).string());
}

void Evaluator::loop_over(const Statement& statement, const ScopePtr& scope, const Value& iterable, int level,
                          std::string& out) {
  Items values = iterate(iterable);
  if (statement.condition != nullptr) {
    List chosen;
    for (const Value& value : values) {
      const auto trial = std::make_shared<Scope>(scope);
      assign(*statement.target, value, trial);
      if (evaluate(*statement.condition, trial).truth()) chosen.push_back(value);
    }
    meter_.make(chosen.size() * sizeof(Value));
    values = Items(std::move(chosen));
  }
  const int depth = iterable.depth() + 1;
  if (depth > kMaxValueDepth) refuse(str("values nested deeper than ", kMaxValueDepth));
  if (statement.is_recursive) keep(scope);
  const auto loop = std::make_shared<Loop>(
      Loop{&statement, statement.is_recursive ? scope : nullptr, values, 0, level, depth, nullptr});
  meter_.make(sizeof(Loop));
  bool has_finished = false;
  for (size_t i = 0; i < values.size(); ++i) {
    meter_.step();
    const auto inside = std::make_shared<Scope>(scope);
    loop->at = i;
    inside->names.emplace("loop", Value::loop(loop));
    assign(*statement.target, values[i], inside);
    const Flow flow = run(statement.body, inside, out);
    if (flow == Flow::kBreak) break;
    if (flow == Flow::kNext) has_finished = true;
  }
  // As Jinja has it: also where each run of the body was left early.
  if (!has_finished) run(statement.otherwise, std::make_shared<Scope>(scope), out);
}

// loop.name
Value Evaluator::loop_attribute(const std::shared_ptr<Loop>& loop, std::string_view name) {
  const auto i = static_cast<int64_t>(loop->at);
  const auto n = static_cast<int64_t>(loop->values.size());
  if (name == "index") return i + 1;
  if (name == "index0") return i;
  if (name == "revindex") return n - i;
  if (name == "revindex0") return n - i - 1;
  if (name == "first") return i == 0;
  if (name == "last") return i == n - 1;
  if (name == "length") return n;
  if (name == "depth") return int64_t{loop->level} + 1;
  if (name == "depth0") return int64_t{loop->level};
  if (name == "previtem") return i > 0 ? loop->values[loop->at - 1] : Value::undefined("there is no previous item");
  if (name == "nextitem") return i + 1 < n ? loop->values[loop->at + 1] : Value::undefined("there is no next item");
  if (name == "cycle") {
    return Value::callable(
        [i](Evaluator& evaluator, const Arguments& given) {
          if (given.positional.empty()) evaluator.refuse("loop.cycle() wants values");
          return given.positional[static_cast<size_t>(i) % given.positional.size()];
        },
        "<bound method LoopContext.cycle>");
  }
  if (name == "changed") {
    return Value::callable(
        [loop](Evaluator& evaluator, const Arguments& given) { return Value(evaluator.loop_has_changed(loop, given)); },
        "<bound method LoopContext.changed>", loop->depth + 1);
  }
  return Value::undefined(str("'LoopContext object' has no attribute '", name.substr(0, 100), "'"));
}

// loop.changed(values): whether they differ from those of the last call. The loop may well be among them.
bool Evaluator::loop_has_changed(const std::shared_ptr<Loop>& loop, const Arguments& given) {
  const Value now = list(given.positional, Kind::kTuple);
  const bool is_first = !loop->last_changed.is(Kind::kTuple);
  if (is_first) changed_loops_.push_back(loop);
  const bool changed = is_first || !equal(meter_, now, loop->last_changed);
  loop->last_changed = now;
  return changed;
}

// loop(values): the same loop, one level deeper.
Value Evaluator::call_loop(const Loop& loop, const Arguments& given) {
  if (loop.scope == nullptr) refuse("the loop is not recursive: its {% for %} has to end with 'recursive'");
  if (given.positional.size() != 1 || !given.named.empty()) refuse("loop() wants one iterable");
  std::string printed;
  loop_over(*loop.statement, loop.scope, given.positional[0], loop.level + 1, printed);
  return Value(std::move(printed));
}

void Evaluator::keep(const ScopePtr& scope) {
  if (scope->is_kept) return;
  scope->is_kept = true;
  meter_.make(sizeof(Scope));
  kept_scopes_.push_back(scope);
}

Value Evaluator::make_macro(const Statement& statement, const ScopePtr& scope) {
  keep(scope);
  std::string label =
      statement.kind == Statement::Kind::kMacro ? str("<Macro '", statement.name.substr(0, 100), "'>") : "<Macro None>";
  return Value::callable(
      [&statement, scope](Evaluator& evaluator, const Arguments& given) {
        return evaluator.call_macro(statement, scope, given);
      },
      std::move(label));
}

Value Evaluator::call_macro(const Statement& statement, const ScopePtr& scope, const Arguments& given) {
  const auto inside = std::make_shared<Scope>(scope);
  const auto& parameters = statement.parameters;
  const auto named = [&](std::string_view name) {
    return std::ranges::find(given.named, name, [](const auto& argument) { return std::string_view(argument.first); });
  };
  for (size_t i = 0; i < parameters.size(); ++i) {
    const auto& [name, standard] = parameters[i];
    if (i < given.positional.size()) {
      inside->names.insert_or_assign(name, given.positional[i]);
    } else if (const auto argument = named(name); argument != given.named.end()) {
      inside->names.insert_or_assign(name, argument->second);
    } else {
      inside->names.insert_or_assign(
          name, standard != nullptr ? evaluate(*standard, inside)
                                    : Value::undefined(str("parameter '", name.substr(0, 100), "' was not provided")));
    }
  }
  if (statement.reads_caller) {
    const auto caller = named("caller");
    inside->names.try_emplace("caller",
                              caller != given.named.end() ? caller->second : Value::undefined("No caller defined"));
  }
  Dict more_named;
  for (const auto& [name, value] : given.named) {
    const auto parameter =
        std::ranges::find(parameters, name, [](const auto& each) -> const std::string& { return each.first; });
    if (parameter - parameters.begin() >= std::ssize(given.positional) && parameter != parameters.end()) continue;
    if (name == "caller" && statement.reads_caller) continue;
    if (!statement.reads_kwargs || name == "caller") {
      refuse(str("macro '", statement.name.substr(0, 100), "' takes no keyword argument '", name.substr(0, 100), "'"));
    }
    more_named.set(name, value);
  }
  if (statement.reads_kwargs) inside->names.insert_or_assign("kwargs", dict(std::move(more_named)));
  if (statement.reads_varargs) {
    const auto begin =
        given.positional.begin() + static_cast<std::ptrdiff_t>(std::min(parameters.size(), given.positional.size()));
    inside->names.insert_or_assign("varargs", list(List(begin, given.positional.end()), Kind::kTuple));
  } else if (given.positional.size() > parameters.size()) {
    refuse(str("macro '", statement.name.substr(0, 100), "' takes not more than ", parameters.size(), " argument(s)"));
  }
  std::string printed;
  run(statement.body, inside, printed);
  return Value(std::move(printed));
}

void Evaluator::set_name(Scope& scope, std::string_view name, Value value) {
  if (scope.is_kept) meter_.make(sizeof(Value) + 64);  // a kept scope lives to the end
  scope.names.insert_or_assign(name, std::move(value));
}

void Evaluator::assign(const Expression& target, const Value& value, const ScopePtr& scope) {
  if (target.kind == Expression::Kind::kName) {
    set_name(*scope, target.name, value);
  } else if (target.kind == Expression::Kind::kTuple) {
    const Items values = iterate(value);
    if (values.size() != target.parts.size()) {
      refuse(str("cannot unpack ", values.size(), " values into ", target.parts.size(), " names"));
    }
    for (size_t i = 0; i < values.size(); ++i) assign(*target.parts[i], values[i], scope);
  } else {
    const Value object = evaluate(*target.parts[0], scope);
    if (!object.is(Kind::kNamespace)) refuse("cannot assign attribute on non-namespace object");
    meter_.make(sizeof(Value));
    object.shared_members()->set(target.name, value);
  }
}

}  // namespace kinglet::text::jinja
