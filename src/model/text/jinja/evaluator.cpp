#include "model/text/jinja/evaluator.h"

#include <algorithm>

#include "core/base/base.h"
#include "model/text/utf8.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

// Characters of a text, each as a string of its own.
List characters(const std::string& text) {
  List result;
  for (size_t i = 0; i < text.size();) {
    const uint32_t n = code_point_at(text, i).length;
    result.emplace_back(text.substr(i, n));
    i += n;
  }
  return result;
}

}  // namespace

const Value* argument(const Arguments& arguments, size_t i, std::string_view name) {
  if (i < arguments.positional.size()) return &arguments.positional[i];
  for (const auto& [key, value] : arguments.named) {
    if (key == name) return &value;
  }
  return nullptr;
}

Evaluator::Evaluator(std::string_view name, const RenderOptions& options)
    : name_(name), options_(options), globals_(std::make_shared<Scope>()) {
  add_builtins(*globals_);
}

void Evaluator::refuse(std::string_view why) const { fail_with(ErrorCode::kInvalidArgument, name_, ": line ", line_, ": ", why); }

void Evaluator::spend(size_t n) {
  spent_ += n;
  if (n > options_.max_spent || spent_ > options_.max_spent) refuse(str("makes more than ", options_.max_spent, " bytes"));
}

void Evaluator::print(std::string& out, std::string_view text) {
  if (out.size() + text.size() > options_.max_output) refuse(str("the output is longer than ", options_.max_output, " bytes"));
  spend(text.size());
  out.append(text);
}

std::string Evaluator::render(const Body& body, const Value& context) {
  auto scope = std::make_shared<Scope>();
  scope->outside = globals_;
  for (const auto& [key, value] : context.members().members) scope->names[to_text(key)] = value;
  std::string out;
  run(body, scope, out);
  return out;
}

Evaluator::Flow Evaluator::run(const Body& body, const ScopePtr& scope, std::string& out) {
  for (const auto& statement : body) {
    if (const Flow flow = run(*statement, scope, out); flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Evaluator::Flow Evaluator::run(const Statement& statement, const ScopePtr& scope, std::string& out) {
  line_ = statement.line;
  if (++steps_ > options_.max_steps) refuse(str("takes more than ", options_.max_steps, " steps"));
  switch (statement.kind) {
    case Statement::Kind::kText:
      print(out, statement.name);
      return Flow::kNext;
    case Statement::Kind::kPrint:
      print(out, to_text(evaluate(*statement.value, scope)));
      return Flow::kNext;
    case Statement::Kind::kIf:
      return run(evaluate(*statement.value, scope).truth() ? statement.body : statement.otherwise, scope, out);
    case Statement::Kind::kFor:
      loop_over(statement, scope, evaluate(*statement.value, scope), 0, out);
      return Flow::kNext;
    case Statement::Kind::kSet:
      assign(*statement.target, evaluate(*statement.value, scope), scope);
      return Flow::kNext;
    case Statement::Kind::kSetBlock:
    case Statement::Kind::kFilter: {
      auto inside = std::make_shared<Scope>();
      inside->outside = scope;
      std::string text;
      const Flow flow = run(statement.body, inside, text);
      Value value(std::move(text));
      if (statement.value != nullptr) value = evaluate_filter(*statement.value, value, scope);
      if (statement.kind == Statement::Kind::kFilter) {
        print(out, to_text(value));
      } else {
        assign(*statement.target, std::move(value), scope);
      }
      return flow;
    }
    case Statement::Kind::kMacro:
      scope->names[statement.name] = make_macro(statement, scope);
      return Flow::kNext;
    case Statement::Kind::kCallBlock: {
      Arguments given = arguments(*statement.value, 1, scope);
      given.named.emplace_back("caller", make_macro(statement, scope));
      print(out, to_text(call(evaluate(*statement.value->parts[0], scope), given)));
      return Flow::kNext;
    }
    case Statement::Kind::kScope:
      return run(statement.body, scope, out);
    case Statement::Kind::kBreak:
      return Flow::kBreak;
    case Statement::Kind::kContinue:
      return Flow::kContinue;
    case Statement::Kind::kDo:
      evaluate(*statement.value, scope);
      return Flow::kNext;
  }
  return Flow::kNext;
}

void Evaluator::loop_over(const Statement& statement, const ScopePtr& scope, const Value& iterable, int level, std::string& out) {
  if (++depth_ > options_.max_depth) refuse(str("nested deeper than ", options_.max_depth));
  List values = iterate(iterable);
  if (statement.condition != nullptr) {
    std::erase_if(values, [&](const Value& value) {
      auto trial = std::make_shared<Scope>();
      trial->outside = scope;
      assign(*statement.target, value, trial);
      return !evaluate(*statement.condition, trial).truth();
    });
  }
  if (values.empty()) {
    run(statement.otherwise, scope, out);
    --depth_;
    return;
  }
  const auto n = static_cast<int64_t>(values.size());
  Value last_changed;
  bool has_changed = false;
  for (int64_t i = 0; i < n; ++i) {
    auto inside = std::make_shared<Scope>();
    inside->outside = scope;
    Dict loop;
    loop.set("index", i + 1);
    loop.set("index0", i);
    loop.set("revindex", n - i);
    loop.set("revindex0", n - i - 1);
    loop.set("first", i == 0);
    loop.set("last", i == n - 1);
    loop.set("length", n);
    loop.set("depth", int64_t{level + 1});
    loop.set("depth0", int64_t{level});
    loop.set("previtem", i > 0 ? values[static_cast<size_t>(i - 1)] : Value::undefined("there is no previous item"));
    loop.set("nextitem", i + 1 < n ? values[static_cast<size_t>(i + 1)] : Value::undefined("there is no next item"));
    loop.set("cycle", Value::callable([i](Evaluator& evaluator, const Arguments& given) {
               if (given.positional.empty()) evaluator.refuse("loop.cycle() wants values");
               return given.positional[static_cast<size_t>(i) % given.positional.size()];
             }));
    loop.set("changed", Value::callable([&](Evaluator&, const Arguments& given) {
               const Value now = Value::list(given.positional);
               const bool changed = !has_changed || !(now == last_changed);
               last_changed = now;
               has_changed = true;
               return Value(changed);
             }));
    Value loop_value = Value::dict(std::move(loop), Kind::kNamespace);
    if (statement.is_recursive) {
      // loop(values) runs the same loop one level deeper; it lives no longer than this run of the body.
      loop_value.members().set("__call__", Value::callable([this, &statement, scope, level](Evaluator&, const Arguments& given) {
                                 if (given.positional.size() != 1) refuse("loop() wants one iterable");
                                 std::string text;
                                 loop_over(statement, scope, given.positional[0], level + 1, text);
                                 return Value(std::move(text));
                               }));
    }
    inside->names["loop"] = std::move(loop_value);
    assign(*statement.target, values[static_cast<size_t>(i)], inside);
    if (run(statement.body, inside, out) == Flow::kBreak) break;
  }
  --depth_;
}

Value Evaluator::make_macro(const Statement& statement, const ScopePtr& scope) {
  const bool is_caller = statement.kind == Statement::Kind::kCallBlock;
  // A macro of a scope that holds it would keep itself alive; a weak reference ends the circle, and the scope outlives all
  // calls, as those happen during its run.
  const std::weak_ptr<Scope> weak = scope;
  return Value::callable([&statement, weak, is_caller](Evaluator& evaluator, const Arguments& given) {
    if (++evaluator.depth_ > evaluator.options_.max_depth) evaluator.refuse(str("nested deeper than ", evaluator.options_.max_depth));
    auto inside = std::make_shared<Scope>();
    inside->outside = weak.lock();
    if (inside->outside == nullptr) evaluator.refuse("a macro is called outside of the block that defines it");
    const auto& parameters = statement.parameters;
    for (size_t i = 0; i < parameters.size(); ++i) {
      const auto& [name, standard] = parameters[i];
      if (const Value* value = argument(given, i, name)) {
        inside->names[name] = *value;
      } else {
        inside->names[name] = standard == nullptr ? Value::undefined(str("parameter '", name, "' was not provided"))
                                                  : evaluator.evaluate(*standard, inside);
      }
    }
    List more;
    for (size_t i = parameters.size(); i < given.positional.size(); ++i) more.push_back(given.positional[i]);
    Dict named;
    for (const auto& [name, value] : given.named) {
      if (name == "caller" && !is_caller) {
        inside->names[name] = value;
      } else if (std::ranges::find(parameters, name, [](const auto& parameter) -> const std::string& { return parameter.first; }) ==
                 parameters.end()) {
        named.set(name, value);
      }
    }
    inside->names["varargs"] = Value::list(std::move(more), Kind::kTuple);
    inside->names["kwargs"] = Value::dict(std::move(named));
    std::string out;
    evaluator.run(statement.body, inside, out);
    --evaluator.depth_;
    return Value(std::move(out));
  });
}

void Evaluator::assign(const Expression& target, Value value, const ScopePtr& scope) {
  if (target.kind == Expression::Kind::kName) {
    scope->names[target.name] = std::move(value);
  } else if (target.kind == Expression::Kind::kTuple) {
    const List values = iterate(value);
    if (values.size() != target.parts.size()) {
      refuse(str("cannot unpack ", values.size(), " values into ", target.parts.size(), " names"));
    }
    for (size_t i = 0; i < values.size(); ++i) assign(*target.parts[i], values[i], scope);
  } else {
    const Value object = evaluate(*target.parts[0], scope);
    if (!object.is(Kind::kNamespace)) refuse("cannot assign attribute on non-namespace object");
    object.members().set(target.name, std::move(value));
  }
}

Value Evaluator::name_value(const std::string& name, const ScopePtr& scope) {
  if (const Value* value = scope->find(name)) return *value;
  return Value::undefined(str("'", name, "' is undefined"));
}

Arguments Evaluator::arguments(const Expression& expression, size_t first, const ScopePtr& scope) {
  Arguments given;
  for (size_t i = first; i < expression.parts.size(); ++i) given.positional.push_back(evaluate(*expression.parts[i], scope));
  for (const auto& [name, value] : expression.named) given.named.emplace_back(name, evaluate(*value, scope));
  return given;
}

Value Evaluator::evaluate_filter(const Expression& filter, const Value& input, const ScopePtr& scope) {
  // A block's filters are a chain whose innermost one has no value of its own: it takes the input.
  const Value value = filter.parts[0] == nullptr ? input : evaluate_filter(*filter.parts[0], input, scope);
  return apply_filter(filter.name, value, arguments(filter, 1, scope));
}

Value Evaluator::evaluate(const Expression& expression, const ScopePtr& scope) {
  line_ = expression.line;
  if (++steps_ > options_.max_steps) refuse(str("takes more than ", options_.max_steps, " steps"));
  const auto part = [&](size_t i) { return evaluate(*expression.parts[i], scope); };
  switch (expression.kind) {
    case Expression::Kind::kConstant:
      return expression.constant;
    case Expression::Kind::kName:
      return name_value(expression.name, scope);
    case Expression::Kind::kList:
    case Expression::Kind::kTuple: {
      List values;
      for (size_t i = 0; i < expression.parts.size(); ++i) values.push_back(part(i));
      spend(values.size());
      return Value::list(std::move(values), expression.kind == Expression::Kind::kList ? Kind::kList : Kind::kTuple);
    }
    case Expression::Kind::kDict: {
      Dict dict;
      for (size_t i = 0; i < expression.parts.size(); i += 2) {
        Value key = part(i);
        if (key.is_sequence() || key.is_mapping()) refuse(str("unhashable type: '", key.type_name(), "'"));
        dict.set(std::move(key), part(i + 1));
      }
      spend(dict.members.size());
      return Value::dict(std::move(dict));
    }
    case Expression::Kind::kAttribute:
      return attribute(part(0), expression.name);
    case Expression::Kind::kItem: {
      const Value object = part(0);
      return item(object, part(1));
    }
    case Expression::Kind::kSlice:
      return evaluate_slice(expression, scope);
    case Expression::Kind::kCall: {
      const Value function = part(0);
      return call(function, arguments(expression, 1, scope));
    }
    case Expression::Kind::kFilter:
      return apply_filter(expression.name, part(0), arguments(expression, 1, scope));
    case Expression::Kind::kTest: {
      const Value input = part(0);
      return apply_test(expression.name, input, arguments(expression, 1, scope));
    }
    case Expression::Kind::kNegate:
    case Expression::Kind::kPlus: {
      const Value value = part(0);
      if (!value.is_number()) refuse(str("bad operand type for unary ", expression.kind == Expression::Kind::kNegate ? "-" : "+", ": '", value.type_name(), "'"));
      if (expression.kind == Expression::Kind::kPlus) return value;
      return value.is(Kind::kFloat) ? Value(-value.number()) : binary("-", Value(int64_t{0}), value);
    }
    case Expression::Kind::kNot:
      return !part(0).truth();
    case Expression::Kind::kAnd: {
      Value left = part(0);
      return left.truth() ? part(1) : left;
    }
    case Expression::Kind::kOr: {
      Value left = part(0);
      return left.truth() ? left : part(1);
    }
    case Expression::Kind::kBinary: {
      const Value left = part(0);
      return binary(expression.name, left, part(1));
    }
    case Expression::Kind::kCompare: {
      Value left = part(0);
      for (size_t i = 0; i < expression.operators.size(); ++i) {
        Value right = part(i + 1);
        if (!compare(expression.operators[i], left, right)) return false;
        left = std::move(right);
      }
      return true;
    }
    case Expression::Kind::kConditional:
      if (part(1).truth()) return part(0);
      if (expression.parts[2] != nullptr) return part(2);
      return Value::undefined("the inline if-expression evaluated to false and no else section was defined");
  }
  return {};
}

Value Evaluator::evaluate_slice(const Expression& expression, const ScopePtr& scope) {
  const Value object = evaluate(*expression.parts[0], scope);
  std::optional<int64_t> bounds[3];
  for (size_t i = 0; i < 3; ++i) {
    if (expression.parts[i + 1] == nullptr) continue;
    const Value bound = evaluate(*expression.parts[i + 1], scope);
    if (bound.is(Kind::kNone)) continue;
    if (!bound.is_integral()) refuse("slice indices must be integers or None");
    bounds[i] = bound.integer();
  }
  if (object.is_undefined()) refuse(object.hint());
  if (!object.is_string() && !object.is_sequence()) refuse(str("'", object.type_name(), "' object is not subscriptable"));
  const List values = iterate(object);
  const auto n = static_cast<int64_t>(values.size());
  const int64_t step = bounds[2].value_or(1);
  if (step == 0) refuse("slice step cannot be zero");
  const auto clamped = [&](int64_t bound, int64_t low, int64_t high) {
    if (bound < 0) bound = bound < -n ? low - 1 : bound + n;
    return std::clamp(bound, low, high);
  };
  List result;
  if (step > 0) {
    const int64_t end = clamped(bounds[1].value_or(n), 0, n);
    for (int64_t i = clamped(bounds[0].value_or(0), 0, n); i < end; i += std::min(step, n)) result.push_back(values[static_cast<size_t>(i)]);
  } else {
    const int64_t end = bounds[1] ? clamped(*bounds[1], -1, n - 1) : -1;
    for (int64_t i = bounds[0] ? clamped(*bounds[0], -1, n - 1) : n - 1; i > end; i -= std::min(-std::max(step, -n - 1), n + 1)) {
      result.push_back(values[static_cast<size_t>(i)]);
    }
  }
  if (!object.is_string()) return Value::list(std::move(result), object.is(Kind::kTuple) ? Kind::kTuple : Kind::kList);
  std::string text;
  for (const Value& character : result) text += character.string();
  return text;
}

Value Evaluator::call(const Value& function, const Arguments& given) {
  if (function.is(Kind::kCallable)) return function.function()(*this, given);
  if (function.is(Kind::kNamespace)) {
    if (const Value* inner = function.members().find_name("__call__")) return inner->function()(*this, given);
  }
  if (function.is_undefined()) refuse(function.hint());
  refuse(str("'", function.type_name(), "' object is not callable"));
}

Value Evaluator::apply_filter(const std::string& name, const Value& input, const Arguments& given) {
  const Filter filter = find_filter(name);
  if (filter == nullptr) refuse(str("No filter named '", name, "'."));
  return filter(*this, input, given);
}

bool Evaluator::apply_test(const std::string& name, const Value& input, const Arguments& given) {
  const Test test = find_test(name);
  if (test == nullptr) refuse(str("No test named '", name, "'."));
  return test(*this, input, given);
}

List Evaluator::iterate(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
      return {};
    case Kind::kString:
      spend(value.string().size());
      return characters(value.string());
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kGenerator:
      spend(value.items().size());
      return value.items();
    case Kind::kDict: {
      List keys;
      for (const auto& member : value.members().members) keys.push_back(member.first);
      spend(keys.size());
      return keys;
    }
    default:
      refuse(str("'", value.type_name(), "' object is not iterable"));
  }
}

}  // namespace kinglet::text::jinja
