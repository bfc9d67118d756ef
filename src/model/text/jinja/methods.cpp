// Methods of dicts and lists, and how methods of objects are found. Those of texts are in string_methods.cpp.
#include <algorithm>
#include <array>

#include "core/base/base.h"
#include "model/text/jinja/operation.h"
#include "model/text/jinja/operators.h"
#include "model/text/jinja/printing.h"

namespace kinglet::text::jinja {
namespace {

using Kind = Value::Kind;

Value get(const Call& call) {
  const Value& key = call.need(0);
  if (key.is(Kind::kList) || key.is_mapping()) call.evaluator.refuse(str("unhashable type: '", key.type_name(), "'"));
  if (const Value* value = call.input.members().find(key)) return *value;
  return call[1] == nullptr ? Value(nullptr) : *call[1];
}

Value copy(const Call& call) {
  if (call.input.is_mapping()) return call.evaluator.dict(call.input.members());
  call.evaluator.meter().make(call.input.items().size() * sizeof(Value));
  return call.evaluator.list(call.input.items());
}

Value keys(const Call& call) {
  const Items keys = call.evaluator.iterate(call.input);
  return call.evaluator.list(List(keys.begin(), keys.end()), Kind::kView, "dict_keys");
}

Value values(const Call& call) {
  List list;
  call.evaluator.meter().make(call.input.members().size() * sizeof(Value));
  for (const auto& [key, value] : call.input.members().members()) list.push_back(value);
  return call.evaluator.list(std::move(list), Kind::kView, "dict_values");
}

Value items(const Call& call) {
  List list;
  for (const auto& [key, value] : call.input.members().members())
    list.push_back(call.evaluator.list({key, value}, Kind::kTuple));
  return call.evaluator.list(std::move(list), Kind::kView, "dict_items");
}

Value index(const Call& call) {
  const List& list = call.input.items();
  const auto found = std::ranges::find_if(
      list, [&](const Value& value) { return equal(call.evaluator.meter(), value, call.need(0)); });
  if (found == list.end())
    call.evaluator.refuse(str(repr(call.evaluator.meter(), call.need(0)).substr(0, 100), " is not in list"));
  return static_cast<int64_t>(found - list.begin());
}

Value count(const Call& call) {
  return static_cast<int64_t>(std::ranges::count_if(
      call.input.items(), [&](const Value& value) { return equal(call.evaluator.meter(), value, call.need(0)); }));
}

constexpr std::array kDictMethods = {
    Operation{"copy", copy},     Operation{"get", get, {"key", "default"}},
    Operation{"items", items},   Operation{"keys", keys},
    Operation{"values", values},
};
constexpr std::array kListMethods = {
    Operation{"copy", copy},
    Operation{"count", count, {"value"}},
    Operation{"index", index, {"value"}},
};
constexpr std::array kTupleMethods = {Operation{"count", count, {"value"}}, Operation{"index", index, {"value"}}};
static_assert(is_sorted_by_name(kDictMethods) && is_sorted_by_name(kListMethods) && is_sorted_by_name(kTupleMethods));

// Methods that change their object.
bool is_unsafe(const Value& object, std::string_view name) {
  constexpr std::array<std::string_view, 8> kOfLists = {"append", "clear",  "extend",  "insert",
                                                        "pop",    "remove", "reverse", "sort"};
  constexpr std::array<std::string_view, 5> kOfDicts = {"clear", "pop", "popitem", "setdefault", "update"};
  return (object.is(Kind::kList) && std::ranges::find(kOfLists, name) != kOfLists.end()) ||
         (object.is_mapping() && std::ranges::find(kOfDicts, name) != kOfDicts.end());
}

const Operation* method_of(const Value& object, std::string_view name) {
  switch (object.kind()) {
    case Kind::kString:
      return find_string_method(name);
    case Kind::kDict:
      return find_operation(kDictMethods, name);
    case Kind::kList:
      return find_operation(kListMethods, name);
    case Kind::kTuple:
    case Kind::kRange:
      return find_operation(kTupleMethods, name);
    default:
      return nullptr;
  }
}

}  // namespace

std::optional<Value> find_method(Evaluator& evaluator, const Value& object, std::string_view name) {
  if (is_unsafe(object, name)) {
    return Value::undefined(str("access to attribute '", name, "' of '", object.type_name(), "' object is unsafe."));
  }
  const Operation* method = method_of(object, name);
  if (method == nullptr) return std::nullopt;
  const int depth = object.depth() + 1;
  if (depth > Evaluator::kMaxValueDepth) evaluator.refuse(str("values nested deeper than ", Evaluator::kMaxValueDepth));
  evaluator.meter().make(sizeof(Callable) + 2 * sizeof(Value));
  return Value::callable(
      [method, object](Evaluator& caller, const Arguments& given) { return perform(*method, caller, object, given); },
      str("<built-in method ", name, ">"), depth);
}

}  // namespace kinglet::text::jinja
