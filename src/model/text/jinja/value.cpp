#include "model/text/jinja/value.h"

#include <algorithm>

namespace kinglet::text::jinja {

const Value* Dict::find(const Value& key) const {
  for (const auto& [name, value] : members) {
    if (name == key) return &value;
  }
  return nullptr;
}

const Value* Dict::find_name(std::string_view key) const {
  for (const auto& [name, value] : members) {
    if (name.is_string() && name.string() == key) return &value;
  }
  return nullptr;
}

void Dict::set(Value key, Value value) {
  for (auto& [name, old] : members) {
    if (name == key) {
      old = std::move(value);
      return;
    }
  }
  members.emplace_back(std::move(key), std::move(value));
}

Value Value::undefined(std::string hint) {
  Value value;
  value.data_ = std::move(hint);
  return value;
}

Value Value::list(List values, Kind kind) {
  Value value;
  value.kind_ = kind;
  value.data_ = std::make_shared<List>(std::move(values));
  return value;
}

Value Value::dict(Dict members, Kind kind) {
  Value value;
  value.kind_ = kind;
  value.data_ = std::make_shared<Dict>(std::move(members));
  return value;
}

Value Value::callable(Function function) {
  Value value;
  value.kind_ = Kind::kCallable;
  value.data_ = std::make_shared<Function>(std::move(function));
  return value;
}

bool Value::truth() const {
  switch (kind_) {
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
    case Kind::kInt:
      return integer() != 0;
    case Kind::kFloat:
      return number() != 0;
    case Kind::kString:
      return !string().empty();
    case Kind::kList:
    case Kind::kTuple:
      return !items().empty();
    case Kind::kDict:
      return !members().members.empty();
    case Kind::kGenerator:
    case Kind::kNamespace:
    case Kind::kCallable:
      return true;
  }
  return false;
}

bool operator==(const Value& a, const Value& b) {
  using Kind = Value::Kind;
  if (a.is_number() && b.is_number()) {
    return a.is_integral() && b.is_integral() ? a.integer() == b.integer() : a.number() == b.number();
  }
  if (a.kind_ != b.kind_) return false;
  switch (a.kind_) {
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kString:
      return a.string() == b.string();
    case Kind::kList:
    case Kind::kTuple:
      return a.items() == b.items();
    case Kind::kDict:
      return a.members().members.size() == b.members().members.size() &&
             std::ranges::all_of(a.members().members, [&](const auto& member) {
               const Value* other = b.members().find(member.first);
               return other != nullptr && member.second == *other;
             });
    default:
      return a.same_as(b);
  }
}

bool Value::same_as(const Value& other) const {
  if (kind_ != other.kind_) return false;
  if (const auto* list = std::get_if<std::shared_ptr<List>>(&data_)) return *list == std::get<std::shared_ptr<List>>(other.data_);
  if (const auto* dict = std::get_if<std::shared_ptr<Dict>>(&data_)) return *dict == std::get<std::shared_ptr<Dict>>(other.data_);
  if (const auto* function = std::get_if<std::shared_ptr<Function>>(&data_)) {
    return *function == std::get<std::shared_ptr<Function>>(other.data_);
  }
  return *this == other;
}

std::string_view Value::type_name() const noexcept {
  switch (kind_) {
    case Kind::kUndefined: return "Undefined";
    case Kind::kNone: return "NoneType";
    case Kind::kBool: return "bool";
    case Kind::kInt: return "int";
    case Kind::kFloat: return "float";
    case Kind::kString: return "str";
    case Kind::kList: return "list";
    case Kind::kTuple: return "tuple";
    case Kind::kGenerator: return "generator";
    case Kind::kDict: return "dict";
    case Kind::kNamespace: return "Namespace";
    case Kind::kCallable: return "function";
  }
  return "object";
}

}  // namespace kinglet::text::jinja
