#include "model/text/go/value.h"

#include <algorithm>

#include "model/text/sorting.h"

namespace kinglet::text::go {

struct Value::List {
  std::vector<Value> items;
  Style style;
};

struct Value::Object {
  std::vector<Member> members;
  Style style;
  std::string type;
};

Value::Value(std::string text) : kind_(Kind::kString), data_(std::make_shared<const std::string>(std::move(text))) {}

Value Value::list(std::vector<Value> items, Style style) {
  Value value;
  value.kind_ = Kind::kList;
  value.data_ = std::make_shared<const List>(List{std::move(items), style});
  return value;
}

Value Value::map(std::vector<Member> members, Style style) {
  merge_sort(members, [](const Member& a, const Member& b) { return a.name < b.name; });
  Value value;
  value.kind_ = Kind::kMap;
  value.data_ = std::make_shared<const Object>(Object{std::move(members), style, "map[string]interface {}"});
  return value;
}

Value Value::structure(std::vector<Member> members, Style style, std::string type) {
  Value value;
  value.kind_ = Kind::kStruct;
  value.data_ = std::make_shared<const Object>(Object{std::move(members), style, std::move(type)});
  return value;
}

const std::vector<Value>& Value::items() const { return std::get<std::shared_ptr<const List>>(data_)->items; }
const std::vector<Member>& Value::members() const { return std::get<std::shared_ptr<const Object>>(data_)->members; }

const Value* Value::find(std::string_view name) const {
  const auto found = std::ranges::find(members(), name, &Member::name);
  return found != members().end() ? &found->value : nullptr;
}

Style Value::style() const {
  if (kind_ == Kind::kList) return std::get<std::shared_ptr<const List>>(data_)->style;
  return is_object() ? std::get<std::shared_ptr<const Object>>(data_)->style : Style::kPlain;
}

bool Value::truth() const {
  switch (kind_) {
    case Kind::kNone:
      return false;
    case Kind::kBool:
      return boolean();
    case Kind::kInt:
      return integer() != 0;
    case Kind::kFloat:
      return number() != 0;
    case Kind::kString:
      return !string().empty();
    case Kind::kList:
      return !items().empty();
    case Kind::kMap:
      return !members().empty();
    case Kind::kStruct:
      return true;
  }
  return false;
}

std::string_view Value::type_name() const {
  switch (kind_) {
    case Kind::kNone:
      return "nil";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float64";
    case Kind::kString:
      return "string";
    case Kind::kList:
      return "[]interface {}";
    case Kind::kMap:
    case Kind::kStruct:
      return std::get<std::shared_ptr<const Object>>(data_)->type;
  }
  return "";
}

Value from_json(const system::Json& json) {
  if (json.is_null()) return {};
  if (json.is_bool()) return json.as_bool("value");
  if (json.is_number()) return json.as_number("value");
  if (json.is_string()) return json.as_string("value");
  if (json.is_array()) {
    std::vector<Value> items;
    for (const system::Json& item : json.as_array("value")) items.push_back(from_json(item));
    return Value::list(std::move(items));
  }
  std::vector<Member> members;
  for (const auto& [key, value] : json.as_object("value")) {
    // Of members named twice the last one counts.
    const auto known = std::ranges::find(members, key, &Member::name);
    if (known != members.end()) {
      known->value = from_json(value);
    } else {
      members.push_back({key, from_json(value)});
    }
  }
  return Value::map(std::move(members));
}

}  // namespace kinglet::text::go
