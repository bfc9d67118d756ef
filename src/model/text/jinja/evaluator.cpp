#include "model/text/jinja/evaluator.h"

#include "core/base/base.h"
#include "model/text/jinja/printing.h"

namespace kinglet::text::jinja {

Evaluator::Evaluator(std::string_view name, const RenderOptions& options)
    : meter_(name, options), globals_(std::make_shared<Scope>(nullptr)) {
  add_builtins(*globals_);
}

// Scopes, namespaces and loops may refer to each other in circles and in long chains: as all of them are held here,
// taking one apart frees no other.
Evaluator::~Evaluator() {
  for (const ScopePtr& scope : kept_scopes_) scope->names.clear();
  for (const auto& members : namespaces_) *members = Dict();
  for (const auto& loop : changed_loops_) loop->last_changed = nullptr;
}

std::string Evaluator::render(const Body& body, const Value& context) {
  if (context.depth() > kMaxValueDepth / 2) refuse(str("the context is nested deeper than ", kMaxValueDepth / 2));
  const auto scope = std::make_shared<Scope>(globals_);
  for (const auto& [key, value] : context.members().members()) {
    if (key.is_string()) scope->names.emplace(key.string(), value);
  }
  std::string out;
  run(body, scope, out);
  return out;
}

Value Evaluator::text(std::string text, bool is_markup) {
  constexpr size_t kOwners = 32;  // the counts of a shared value, and the allocator's own
  meter_.make(text.size() + sizeof(std::string) + kOwners);
  return is_markup ? Value::markup(std::move(text)) : Value(std::move(text));
}

Value Evaluator::list(List items, Value::Kind kind, std::string label) {
  meter_.make(items.size() * sizeof(Value) + label.size() + sizeof(Sequence));
  Value made = Value::list(std::move(items), kind, std::move(label));
  if (made.depth() > kMaxValueDepth) refuse(str("values nested deeper than ", kMaxValueDepth));
  return made;
}

Value Evaluator::dict(Dict members) {
  meter_.make(members.size() * 2 * sizeof(Dict::Member) + sizeof(Dict));
  Value made = Value::dict(std::move(members));
  if (made.depth() > kMaxValueDepth) refuse(str("values nested deeper than ", kMaxValueDepth));
  return made;
}

Value Evaluator::make_namespace(Dict members) {
  meter_.make(members.size() * 2 * sizeof(Dict::Member) + sizeof(Dict));
  Value made = Value::made_namespace(std::move(members));
  namespaces_.push_back(made.shared_members());
  return made;
}

}  // namespace kinglet::text::jinja
