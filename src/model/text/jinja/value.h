// Values of templates: what Python's objects are to Jinja.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace kinglet::text::jinja {

class Value;
class Evaluator;
using List = std::vector<Value>;

/// Arguments of a call: by place and by name.
struct Arguments {
  List positional;
  std::vector<std::pair<std::string, Value>> named;
};
using Function = std::function<Value(Evaluator&, const Arguments&)>;

/// Members in order of insertion; keys of strings, numbers, truth values or none.
struct Dict {
  std::vector<std::pair<Value, Value>> members;
  [[nodiscard]] const Value* find(const Value& key) const;
  [[nodiscard]] const Value* find_name(std::string_view key) const;
  void set(Value key, Value value);
};

/// Copies share lists and dicts, as references do.
class Value {
 public:
  enum class Kind : uint8_t { kUndefined, kNone, kBool, kInt, kFloat, kString, kList, kTuple, kGenerator, kDict, kNamespace, kCallable };

  Value() : kind_(Kind::kUndefined), data_(std::string()) {}
  Value(std::nullptr_t) : kind_(Kind::kNone) {}                          // NOLINT(google-explicit-constructor)
  Value(bool truth) : kind_(Kind::kBool), data_(truth) {}                // NOLINT(google-explicit-constructor)
  Value(int64_t number) : kind_(Kind::kInt), data_(number) {}            // NOLINT(google-explicit-constructor)
  Value(double number) : kind_(Kind::kFloat), data_(number) {}           // NOLINT(google-explicit-constructor)
  Value(std::string text) : kind_(Kind::kString), data_(std::move(text)) {}     // NOLINT(google-explicit-constructor)
  Value(std::string_view text) : kind_(Kind::kString), data_(std::string(text)) {}  // NOLINT(google-explicit-constructor)
  Value(const char* text) : kind_(Kind::kString), data_(std::string(text)) {}   // NOLINT(google-explicit-constructor)
  static Value undefined(std::string hint);
  static Value list(List values, Kind kind = Kind::kList);
  static Value dict(Dict members = {}, Kind kind = Kind::kDict);
  static Value callable(Function function);

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is(Kind kind) const noexcept { return kind_ == kind; }
  [[nodiscard]] bool is_undefined() const noexcept { return kind_ == Kind::kUndefined; }
  [[nodiscard]] bool is_string() const noexcept { return kind_ == Kind::kString; }
  [[nodiscard]] bool is_integral() const noexcept { return kind_ == Kind::kInt || kind_ == Kind::kBool; }
  [[nodiscard]] bool is_number() const noexcept { return is_integral() || kind_ == Kind::kFloat; }
  /// A list, tuple or generator.
  [[nodiscard]] bool is_sequence() const noexcept {
    return kind_ == Kind::kList || kind_ == Kind::kTuple || kind_ == Kind::kGenerator;
  }
  [[nodiscard]] bool is_mapping() const noexcept { return kind_ == Kind::kDict; }

  [[nodiscard]] const std::string& string() const { return std::get<std::string>(data_); }
  /// Of an undefined value: why it is none.
  [[nodiscard]] const std::string& hint() const { return std::get<std::string>(data_); }
  [[nodiscard]] int64_t integer() const { return is(Kind::kBool) ? std::get<bool>(data_) : std::get<int64_t>(data_); }
  [[nodiscard]] double number() const {
    return kind_ == Kind::kFloat ? std::get<double>(data_) : static_cast<double>(integer());
  }
  [[nodiscard]] List& items() const { return *std::get<std::shared_ptr<List>>(data_); }
  [[nodiscard]] Dict& members() const { return *std::get<std::shared_ptr<Dict>>(data_); }
  [[nodiscard]] const Function& function() const { return *std::get<std::shared_ptr<Function>>(data_); }

  /// Python's truth.
  [[nodiscard]] bool truth() const;
  /// Python's ==.
  friend bool operator==(const Value& a, const Value& b);
  /// Whether both are the same object (lists, dicts) or equal plain values: `is sameas`.
  [[nodiscard]] bool same_as(const Value& other) const;
  /// "str", "int", "dict", ...: for messages.
  [[nodiscard]] std::string_view type_name() const noexcept;

 private:
  Kind kind_;
  std::variant<std::monostate, bool, int64_t, double, std::string, std::shared_ptr<List>, std::shared_ptr<Dict>,
               std::shared_ptr<Function>>
      data_;
};

/// Python's str(value).
std::string to_text(const Value& value);
/// Python's repr(value).
std::string to_repr(const Value& value);
/// Python's repr of a float: the shortest that reads back, "1.0", "1e+16", "inf".
std::string float_repr(double number);

struct JsonStyle {
  int indent = -1;
  bool ascii = false;
  bool sort_keys = false;
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
/// json.dumps(value). Throws Error{kInvalidArgument} for what JSON cannot hold.
std::string to_json(const Value& value, const JsonStyle& style);

}  // namespace kinglet::text::jinja
