// What names mean while a template runs.
#pragma once

#include <map>
#include <memory>
#include <string_view>

#include "model/text/jinja/value.h"

namespace kinglet::text::jinja {

struct Statement;

/// Names of a block; what is not here is looked for outside. Keys are views of the syntax tree and the context.
struct Scope {
  explicit Scope(std::shared_ptr<Scope> outer) : outside(std::move(outer)) {}

  std::map<std::string_view, Value> names;
  std::shared_ptr<Scope> outside;
  bool is_kept = false;  ///< A function or loop refers to it: the evaluator holds it to the end, then takes it apart.

  [[nodiscard]] const Value* find(std::string_view name) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->outside.get()) {
      if (const auto place = scope->names.find(name); place != scope->names.end()) return &place->second;
    }
    return nullptr;
  }
};
using ScopePtr = std::shared_ptr<Scope>;

/// A for loop under way: the variable `loop`.
struct Loop {
  const Statement* statement;
  ScopePtr scope;  ///< Around a recursive loop, which loop(...) runs in again; null for others.
  Items values;
  size_t at = 0;
  int level = 0;       ///< 0: not called by itself.
  int depth = 1;       ///< Of nesting, as a value.
  Value last_changed;  ///< A tuple once loop.changed() has been called.
};

}  // namespace kinglet::text::jinja
