// Runs a syntax tree within limits. Internal to the template engine.
//
// statements.cpp runs statements, expressions.cpp evaluates expressions, access.cpp reaches into values.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/text/jinja/dict.h"
#include "model/text/jinja/meter.h"
#include "model/text/jinja/scope.h"
#include "model/text/jinja/syntax.h"

namespace kinglet::text::jinja {

/// One rendering. Filters, tests and methods get it for calls, limits and messages.
class Evaluator {
 public:
  /// Lists and dicts within each other; what is deeper is refused, for values are walked by recursion.
  static constexpr int kMaxValueDepth = 600;

  /// Both arguments outlive the evaluator.
  Evaluator(std::string_view name, const RenderOptions& options);
  ~Evaluator();
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  /// Once. The body and the context outlive the evaluator.
  std::string render(const Body& body, const Value& context);

  [[nodiscard]] Meter& meter() noexcept { return meter_; }
  /// Raises Error{kInvalidArgument} "NAME: line N: WHY".
  [[noreturn]] void refuse(std::string_view why) const { meter_.refuse(why); }

  // Values whose size the template chooses, charged to the meter.
  Value text(std::string text, bool is_markup = false);
  Value list(List items, Value::Kind kind = Value::Kind::kList, std::string label = {});
  Value dict(Dict members);
  Value make_namespace(Dict members);
  /// What a look-up that finds nothing gives: "'dict object' has no attribute 'NAME'".
  Value missing(const Value& object, std::string_view name);

  /// Calls a callable; refuses another value.
  Value call(const Value& function, const Arguments& arguments);
  Value apply_filter(std::string_view name, const Value& input, const Arguments& arguments);
  bool apply_test(std::string_view name, const Value& input, const Arguments& arguments);

  /// value.name: methods first.
  Value attribute(const Value& value, std::string_view name);
  /// value[key]: members first.
  Value item(const Value& value, const Value& key);
  /// value[begin:end:step]; null or none: the whole.
  Value slice(const Value& value, const Value& begin, const Value& end, const Value& step);
  /// The values that a for loop walks through. Refuses what is no iterable.
  Items iterate(const Value& value);

 private:
  enum class Flow : uint8_t { kNext, kBreak, kContinue };

  Flow run(const Body& body, const ScopePtr& scope, std::string& out);
  Flow run(const Statement& statement, const ScopePtr& scope, std::string& out);
  Flow run_if(const Statement& statement, const ScopePtr& scope, std::string& out);
  Flow run_with(const Statement& statement, const ScopePtr& scope, std::string& out);
  void run_set_block(const Statement& statement, const ScopePtr& scope);
  void run_filter_block(const Statement& statement, const ScopePtr& scope, std::string& out);
  void run_call_block(const Statement& statement, const ScopePtr& scope, std::string& out);
  void loop_over(const Statement& statement, const ScopePtr& scope, const Value& iterable, int level, std::string& out);
  Value loop_attribute(const std::shared_ptr<Loop>& loop, std::string_view name);
  bool loop_has_changed(const std::shared_ptr<Loop>& loop, const Arguments& given);
  Value call_loop(const Loop& loop, const Arguments& given);
  Value make_macro(const Statement& statement, const ScopePtr& scope);
  Value call_macro(const Statement& statement, const ScopePtr& scope, const Arguments& given);
  void assign(const Expression& target, const Value& value, const ScopePtr& scope);
  void set_name(Scope& scope, std::string_view name, Value value);
  void print(std::string& out, std::string_view text);
  void keep(const ScopePtr& scope);

  Value evaluate(const Expression& expression, const ScopePtr& scope);
  Value evaluate_name(const Expression& expression, const ScopePtr& scope);
  Value evaluate_list(const Expression& expression, const ScopePtr& scope);
  Value evaluate_dict(const Expression& expression, const ScopePtr& scope);
  Value evaluate_slice(const Expression& expression, const ScopePtr& scope);
  Value evaluate_call(const Expression& expression, const ScopePtr& scope);
  Value evaluate_filter(const Expression& expression, const ScopePtr& scope);
  Value evaluate_test(const Expression& expression, const ScopePtr& scope);
  Value evaluate_sign(const Expression& expression, const ScopePtr& scope);
  Value evaluate_chain(const Expression& expression, const ScopePtr& scope);
  Value evaluate_comparison(const Expression& expression, const ScopePtr& scope);
  Value block_filtered(const Expression& filter, const Value& input, const ScopePtr& scope);
  Arguments arguments(const Expression& expression, const ScopePtr& scope);

  Meter meter_;
  ScopePtr globals_;
  // What may refer to itself is held here and taken apart at the end.
  std::vector<ScopePtr> kept_scopes_;
  std::vector<std::shared_ptr<Dict>> namespaces_;
  std::vector<std::shared_ptr<Loop>> changed_loops_;
};

/// The functions that every template knows: namespace, raise_exception, range, ... (builtins.cpp).
void add_builtins(Scope& scope);

}  // namespace kinglet::text::jinja
