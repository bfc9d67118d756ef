#include "model/text/jinja/value.h"

#include <algorithm>

#include "model/text/jinja/dict.h"
#include "model/text/jinja/scope.h"

namespace kinglet::text::jinja {

Value Value::markup(std::string text) {
  Value value(std::move(text));
  value.is_markup_ = true;
  return value;
}

Value Value::list(List items, Kind kind, std::string label) {
  Value value(nullptr);
  value.kind_ = kind;
  int depth = 0;
  for (const Value& item : items) depth = std::max(depth, item.depth());
  value.data_ = std::make_shared<Sequence>(Sequence{std::move(items), std::move(label), depth + 1});
  return value;
}

Value Value::dict(Dict members) {
  Value value(nullptr);
  value.kind_ = Kind::kDict;
  value.data_ = std::make_shared<Dict>(std::move(members));
  return value;
}

Value Value::made_namespace(Dict members) {
  Value value = dict(std::move(members));
  value.kind_ = Kind::kNamespace;
  return value;
}

Value Value::loop(std::shared_ptr<Loop> loop) {
  Value value(nullptr);
  value.kind_ = Kind::kLoop;
  value.data_ = std::move(loop);
  return value;
}

Value Value::callable(Function function, std::string label, int depth) {
  Value value(nullptr);
  value.kind_ = Kind::kCallable;
  value.data_ = std::make_shared<const Callable>(Callable{std::move(function), std::move(label), depth});
  return value;
}

const List& Value::items() const { return std::get<std::shared_ptr<Sequence>>(data_)->items; }
const std::string& Value::label() const { return std::get<std::shared_ptr<Sequence>>(data_)->label; }

Items Value::read() const {
  const std::shared_ptr<Sequence>& sequence = std::get<std::shared_ptr<Sequence>>(data_);
  if (kind_ == Kind::kGenerator) return Items(std::exchange(sequence->items, {}));
  return Items(std::shared_ptr<const List>(sequence, &sequence->items));
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
    case Kind::kRange:
    case Kind::kView:
      return !items().empty();
    case Kind::kDict:
      return members().size() != 0;
    case Kind::kGenerator:
    case Kind::kNamespace:
    case Kind::kLoop:
    case Kind::kCallable:
      return true;
  }
  return false;
}

bool Value::same_as(const Value& other) const {
  if (kind_ != other.kind_) return false;
  if (is_string()) return string() == other.string();
  if (is_undefined()) return false;
  return data_ == other.data_;
}

std::string_view Value::type_name() const noexcept {
  switch (kind_) {
    case Kind::kUndefined:
      return "Undefined";
    case Kind::kNone:
      return "NoneType";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kString:
      return "str";
    case Kind::kList:
      return "list";
    case Kind::kTuple:
      return "tuple";
    case Kind::kRange:
      return "range";
    case Kind::kView:
      return "dict view";
    case Kind::kGenerator:
      return "generator";
    case Kind::kDict:
      return "dict";
    case Kind::kNamespace:
      return "Namespace";
    case Kind::kLoop:
      return "LoopContext";
    case Kind::kCallable:
      return "function";
  }
  return "object";
}

int Value::depth() const noexcept {
  if (is_sequence()) return std::get<std::shared_ptr<Sequence>>(data_)->depth;
  if (kind_ == Kind::kDict) return members().depth();
  if (kind_ == Kind::kCallable) return callable().depth;
  if (kind_ == Kind::kLoop) return loop()->depth;
  return 0;
}

}  // namespace kinglet::text::jinja
