// Declared fields of requests: one declaration reads a JSON body into a struct, makes the message for a wrong one, the
// schema of /openapi.json and the table of docs/api.md.
//
// A type that stands in a body is known by `Value<T>`: how it is read and what its schema is. A struct is one by its
// `static const Fields<S>& fields()`.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "front/serve/api_error.h"
#include "home/system/json.h"

namespace kinglet::serve {

using system::Json;
using system::JsonArray;
using system::JsonObject;

template <class T>
struct Value;

/// What is said of a field beside how it is read.
struct FieldFacts {
  std::string name;
  std::string doc;
  Json schema;
  bool required = false;
  bool without_effect = false;  ///< Taken, since it does not change the answer; said in the documents.
  std::string refusal;          ///< Why a value is refused; empty: it is read.
};

/// Throws ApiError "PATH: is ..., expected ..." for a value of another kind.
[[noreturn]] void fail_kind(const std::string& path, const Json& value, std::string_view expected);
/// Throws ApiError "PATH: is missing".
[[noreturn]] void fail_missing(const std::string& path);
/// Throws ApiError for a member that no field has, with the nearest name that one has.
[[noreturn]] void fail_unknown(const std::string& path, std::string_view name, const std::vector<FieldFacts>& known);
/// Throws ApiError "PATH: REASON" for a field that is known and refused.
[[noreturn]] void fail_refused(const std::string& path, const std::string& reason);
void check_range(const std::string& path, double value, double low, double high);
void check_length(const std::string& path, size_t length, size_t low, size_t high);
void check_choice(const std::string& path, const std::string& value, const std::vector<std::string>& choices);
/// The schema of an object with these fields.
Json object_schema(const std::vector<FieldFacts>& facts);
std::string path_of(const std::string& parent, std::string_view name);

/// One field of a struct S.
template <class S>
struct Field {
  FieldFacts facts;
  std::function<void(S&, const Json&, const std::string& path)> read;
};

/// A field that becomes a member of S.
template <class S, class M>
struct MemberField : Field<S> {
  M S::* member;

  MemberField(std::string name, M S::* where) : member(where) {
    this->facts.name = std::move(name);
    this->facts.schema = Value<M>::schema();
    this->read = [where](S& into, const Json& value, const std::string& path) {
      into.*where = Value<M>::read(value, path);
    };
  }
  MemberField required() && {
    this->facts.required = true;
    return std::move(*this);
  }
  MemberField doc(std::string text) && {
    this->facts.doc = std::move(text);
    return std::move(*this);
  }
  /// Of numbers: both ends are allowed.
  MemberField range(double low, double high) && {
    // An infinite end is none in the schema.
    if (low > -std::numeric_limits<double>::infinity()) set_schema("minimum", number(low));
    if (high < std::numeric_limits<double>::infinity()) set_schema("maximum", number(high));
    auto inner = this->read;
    this->read = [inner, low, high](S& into, const Json& value, const std::string& path) {
      inner(into, value, path);
      if (value.is_number()) check_range(path, value.as_number(path), low, high);
    };
    return std::move(*this);
  }
  /// Of arrays and texts: how many elements or bytes.
  MemberField count(size_t low, size_t high) && {
    auto inner = this->read;
    this->read = [inner, low, high](S& into, const Json& value, const std::string& path) {
      inner(into, value, path);
      if (value.is_array()) check_length(path, value.as_array(path).size(), low, high);
      if (value.is_string()) check_length(path, value.as_string(path).size(), low, high);
    };
    return std::move(*this);
  }
  /// Of texts: one of these.
  MemberField choices(std::vector<std::string> values) && {
    JsonArray allowed;
    for (const std::string& value : values) allowed.emplace_back(value);
    set_schema("enum", std::move(allowed));
    auto inner = this->read;
    this->read = [inner, values = std::move(values)](S& into, const Json& value, const std::string& path) {
      inner(into, value, path);
      if (value.is_string()) check_choice(path, value.as_string(path), values);
    };
    return std::move(*this);
  }

 private:
  static Json number(double value) {
    const bool is_whole = value == static_cast<double>(static_cast<int64_t>(value));
    return is_whole ? Json(static_cast<int64_t>(value)) : Json(value);
  }
  // Of a schema that allows null as well, the other part says it.
  void set_schema(const char* key, Json value) {
    if (this->facts.schema.find("anyOf") == nullptr) this->facts.schema.set(key, std::move(value));
  }
};

/// A field that becomes a member.
template <class S, class M>
MemberField<S, M> field(std::string name, M S::* member) {
  return MemberField<S, M>(std::move(name), member);
}

/// A field of a struct that is itself a member: several requests share it.
template <class S, class P, class M>
Field<S> nested(P S::* part, MemberField<P, M> inner) {
  Field<S> made;
  made.facts = inner.facts;
  made.read = [part, read = inner.read](S& into, const Json& value, const std::string& path) {
    read(into.*part, value, path);
  };
  return made;
}

/// A field that is taken and does nothing, since it cannot change the answer (who asks, labels, ...).
template <class S>
Field<S> without_effect(std::string name, std::string doc) {
  Field<S> made;
  made.facts.name = std::move(name);
  made.facts.doc = std::move(doc);
  made.facts.schema = JsonObject{};
  made.facts.without_effect = true;
  made.read = [](S&, const Json&, const std::string&) {};
  return made;
}

/// A field that is known and refused, unless it is null or one of the values that ask for nothing.
template <class S>
Field<S> refused(std::string name, std::string reason, std::vector<Json> neutral = {}) {
  Field<S> made;
  made.facts.name = std::move(name);
  made.facts.refusal = reason;
  made.facts.schema = JsonObject{};
  made.read = [reason = std::move(reason), neutral = std::move(neutral)](S&, const Json& value,
                                                                         const std::string& path) {
    if (value.is_null()) return;
    for (const Json& one : neutral) {
      if (one.dump() == value.dump()) return;
    }
    fail_refused(path, reason);
  };
  return made;
}

/// All fields of S.
template <class S>
class Fields {
 public:
  template <class... F>
  explicit Fields(F... fields) {
    (add(std::move(fields)), ...);
  }

  /// Throws ApiError that names the field. A null value is as good as none, but for a field that is required.
  [[nodiscard]] S read(const Json& body, const std::string& path = {}) const {
    if (!body.is_object()) fail_kind(path.empty() ? "body" : path, body, "an object");
    S made;
    for (const auto& [name, value] : body.as_object(path)) {
      const Field<S>* found = find(name);
      if (found == nullptr) fail_unknown(path, name, facts_);
      if (!value.is_null() || found->facts.required) found->read(made, value, path_of(path, name));
    }
    for (const Field<S>& one : fields_) {
      if (one.facts.required && body.find(one.facts.name) == nullptr) fail_missing(path_of(path, one.facts.name));
    }
    return made;
  }

  [[nodiscard]] const std::vector<FieldFacts>& facts() const noexcept { return facts_; }
  [[nodiscard]] Json schema() const { return object_schema(facts_); }

 private:
  template <class F>
  void add(F one) {
    Field<S>& base = one;
    facts_.push_back(base.facts);
    fields_.push_back(std::move(base));
  }
  const Field<S>* find(std::string_view name) const {
    for (const Field<S>& one : fields_) {
      if (one.facts.name == name) return &one;
    }
    return nullptr;
  }

  std::vector<Field<S>> fields_;
  std::vector<FieldFacts> facts_;
};

template <class S>
concept HasFields = requires { S::fields(); };

template <HasFields S>
struct Value<S> {
  static S read(const Json& value, const std::string& path) { return S::fields().read(value, path); }
  static Json schema() { return S::fields().schema(); }
};

template <>
struct Value<std::string> {
  static std::string read(const Json& value, const std::string& path);
  static Json schema();
};
template <>
struct Value<bool> {
  static bool read(const Json& value, const std::string& path);
  static Json schema();
};
template <>
struct Value<int64_t> {
  static int64_t read(const Json& value, const std::string& path);
  static Json schema();
};
template <>
struct Value<double> {
  static double read(const Json& value, const std::string& path);
  static Json schema();
};
/// Any value: whoever uses it checks it.
template <>
struct Value<Json> {
  static Json read(const Json& value, const std::string& path);
  static Json schema();
};
template <class T>
struct Value<std::optional<T>> {
  static std::optional<T> read(const Json& value, const std::string& path) {
    if (value.is_null()) return std::nullopt;
    return Value<T>::read(value, path);
  }
  static Json schema() { return Value<T>::schema(); }
};
template <class T>
struct Value<std::vector<T>> {
  static std::vector<T> read(const Json& value, const std::string& path) {
    if (!value.is_array()) fail_kind(path, value, "an array");
    std::vector<T> made;
    for (const Json& one : value.as_array(path))
      made.push_back(Value<T>::read(one, str(path, "[", std::to_string(made.size()), "]")));
    return made;
  }
  static Json schema() { return JsonObject{{"type", "array"}, {"items", Value<T>::schema()}}; }
};

/// One text or several.
struct Texts {
  std::vector<std::string> values;
};
template <>
struct Value<Texts> {
  static Texts read(const Json& value, const std::string& path);
  static Json schema();
};

}  // namespace kinglet::serve
