// Runs a syntax tree within limits.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/text/jinja/syntax.h"
#include "model/text/jinja/template.h"

namespace kinglet::text::jinja {

/// Names of a block; what is not here is looked for outside.
struct Scope {
  std::unordered_map<std::string, Value> names;
  std::shared_ptr<Scope> outside;

  [[nodiscard]] const Value* find(const std::string& name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->outside.get()) {
      if (const auto place = scope->names.find(name); place != scope->names.end()) return &place->second;
    }
    return nullptr;
  }
};
using ScopePtr = std::shared_ptr<Scope>;

/// One rendering. Filters, tests and methods get it for calls, limits and messages.
class Evaluator {
 public:
  Evaluator(std::string_view name, const RenderOptions& options);

  std::string render(const Body& body, const Value& context);

  /// Calls a callable. Throws Error{kInvalidArgument} for another value.
  Value call(const Value& function, const Arguments& arguments);
  Value apply_filter(const std::string& name, const Value& input, const Arguments& arguments);
  bool apply_test(const std::string& name, const Value& input, const Arguments& arguments);
  /// value.name, as Python objects under a sandbox have it.
  Value attribute(const Value& value, const std::string& name);
  Value item(const Value& value, const Value& key);
  /// The values that a for loop walks through. Throws for what is no iterable.
  List iterate(const Value& value);
  Value binary(std::string_view op, const Value& left, const Value& right);
  bool compare(std::string_view op, const Value& left, const Value& right);

  /// Raises Error{kInvalidArgument} "NAME: line N: WHY".
  [[noreturn]] void refuse(std::string_view why) const;
  /// Counts work: n elements or bytes that an operation makes. Throws when the limit is passed.
  void spend(size_t n);
  [[nodiscard]] const RenderOptions& options() const noexcept { return options_; }

 private:
  enum class Flow : uint8_t { kNext, kBreak, kContinue };

  Flow run(const Body& body, const ScopePtr& scope, std::string& out);
  Flow run(const Statement& statement, const ScopePtr& scope, std::string& out);
  void loop_over(const Statement& statement, const ScopePtr& scope, const Value& iterable, int level, std::string& out);
  Value make_macro(const Statement& statement, const ScopePtr& scope);
  void assign(const Expression& target, Value value, const ScopePtr& scope);
  void print(std::string& out, std::string_view text);

  Value evaluate(const Expression& expression, const ScopePtr& scope);
  Value evaluate_slice(const Expression& expression, const ScopePtr& scope);
  Value evaluate_filter(const Expression& filter, const Value& input, const ScopePtr& scope);
  Arguments arguments(const Expression& expression, size_t first, const ScopePtr& scope);
  Value name_value(const std::string& name, const ScopePtr& scope);

  std::string_view name_;
  const RenderOptions& options_;
  ScopePtr globals_;
  uint32_t line_ = 1;
  size_t steps_ = 0;
  size_t spent_ = 0;
  int depth_ = 0;
};

/// The functions that every template knows: namespace, raise_exception, range, ... (builtins.cpp).
void add_builtins(Scope& scope);

/// Filters and tests by name; null where there is none (filters.cpp, tests.cpp).
using Filter = Value (*)(Evaluator&, const Value&, const Arguments&);
Filter find_filter(std::string_view name);
using Test = bool (*)(Evaluator&, const Value&, const Arguments&);
Test find_test(std::string_view name);

/// Methods of strings, lists and dicts (methods.cpp); nullopt where the type has none of this name.
std::optional<Value> find_method(const Value& object, const std::string& name);

/// Argument i, or the one of this name, or null.
const Value* argument(const Arguments& arguments, size_t i, std::string_view name);

}  // namespace kinglet::text::jinja
