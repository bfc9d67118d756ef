// Values of Go templates: what Go's any, maps and structs are to text/template.
//
// A value is small and copied freely; texts, lists and objects are shared and never change once they are made.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "home/system/json.h"

namespace kinglet::text::go {

class Value;
struct Member;

/// How an object or a list becomes text where a template prints it.
enum class Style : uint8_t {
  kPlain,  ///< As Go's fmt writes it: "[a b]", "map[k:v]", "{a b}".
  kJson,   ///< It has a String() that gives its JSON.
  kType,   ///< A list of JSON Schema's types: the only one stands for itself, in JSON too.
};

class Value {
 public:
  enum class Kind : uint8_t { kNone, kBool, kInt, kFloat, kString, kList, kMap, kStruct };

  Value() = default;                                            ///< nil
  Value(bool truth) : kind_(Kind::kBool), data_(truth) {}       // NOLINT(google-explicit-constructor)
  Value(int64_t number) : kind_(Kind::kInt), data_(number) {}   // NOLINT(google-explicit-constructor)
  Value(double number) : kind_(Kind::kFloat), data_(number) {}  // NOLINT(google-explicit-constructor)
  Value(std::string text);                                      // NOLINT(google-explicit-constructor)
  Value(std::string_view text) : Value(std::string(text)) {}    // NOLINT(google-explicit-constructor)
  Value(const char* text) : Value(std::string(text)) {}         // NOLINT(google-explicit-constructor)
  static Value list(std::vector<Value> items, Style style = Style::kPlain);
  /// Any keys; a missing one is nil. Members are sorted by their names, as Go walks through maps.
  static Value map(std::vector<Member> members, Style style = Style::kPlain);
  /// Fields in the order of their declaration; another one is an error. `type`: for messages.
  static Value structure(std::vector<Member> members, Style style, std::string type);

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is(Kind kind) const noexcept { return kind_ == kind; }
  [[nodiscard]] bool is_none() const noexcept { return kind_ == Kind::kNone; }
  [[nodiscard]] bool is_string() const noexcept { return kind_ == Kind::kString; }
  [[nodiscard]] bool is_object() const noexcept { return kind_ == Kind::kMap || kind_ == Kind::kStruct; }

  [[nodiscard]] bool boolean() const { return std::get<bool>(data_); }
  [[nodiscard]] int64_t integer() const { return std::get<int64_t>(data_); }
  [[nodiscard]] double number() const { return std::get<double>(data_); }
  [[nodiscard]] const std::string& string() const { return *std::get<StringPtr>(data_); }
  [[nodiscard]] const std::vector<Value>& items() const;
  [[nodiscard]] const std::vector<Member>& members() const;
  /// The member of an object; null where there is none.
  [[nodiscard]] const Value* find(std::string_view name) const;
  [[nodiscard]] Style style() const;

  /// What `if` sees: not nil, false, 0 or empty. A struct is always true.
  [[nodiscard]] bool truth() const;
  /// "string", "map[string]interface {}", "templateTool": for messages.
  [[nodiscard]] std::string_view type_name() const;

 private:
  struct List;
  struct Object;
  using StringPtr = std::shared_ptr<const std::string>;
  Kind kind_ = Kind::kNone;
  std::variant<std::monostate, bool, int64_t, double, StringPtr, std::shared_ptr<const List>,
               std::shared_ptr<const Object>>
      data_;
};

struct Member {
  std::string name;
  Value value;
  std::string json_name = {};  ///< In JSON; empty: the same.
  bool omits_empty = false;    ///< Left out of JSON where it is empty.
};

/// JSON as Go's any: all numbers are floating point.
Value from_json(const system::Json& json);

}  // namespace kinglet::text::go
