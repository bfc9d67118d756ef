// Values of templates: what Python's objects are to Jinja.
//
// A value is small and copied freely: texts, lists and dicts are shared and do not change once they are made, as
// Jinja's sandbox has it. What does change is a namespace, and a generator, which is empty once it has been read. Every
// value knows how deeply it is nested, so that walks through it by recursion are safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace kinglet::text::jinja {

class Dict;
class Evaluator;
class Items;
class Value;
struct Callable;
struct Loop;
struct Sequence;
using List = std::vector<Value>;

/// Arguments of a call: by place and by name.
struct Arguments {
  List positional;
  std::vector<std::pair<std::string, Value>> named;
};
using Function = std::function<Value(Evaluator&, const Arguments&)>;

class Value {
 public:
  enum class Kind : uint8_t {
    kUndefined,
    kNone,
    kBool,
    kInt,
    kFloat,
    kString,
    kList,
    kTuple,
    kRange,
    kView,       ///< dict.keys(), dict.values(), dict.items()
    kGenerator,  ///< What map, select, ... give: readable once.
    kDict,
    kNamespace,
    kLoop,  ///< The variable `loop`.
    kCallable,
  };

  Value() : Value(std::string(), Kind::kUndefined) {}
  Value(std::nullptr_t) : kind_(Kind::kNone) {}                       // NOLINT(google-explicit-constructor)
  Value(bool truth) : kind_(Kind::kBool), data_(truth) {}             // NOLINT(google-explicit-constructor)
  Value(int64_t number) : kind_(Kind::kInt), data_(number) {}         // NOLINT(google-explicit-constructor)
  Value(double number) : kind_(Kind::kFloat), data_(number) {}        // NOLINT(google-explicit-constructor)
  Value(std::string text) : Value(std::move(text), Kind::kString) {}  // NOLINT(google-explicit-constructor)
  Value(std::string_view text) : Value(std::string(text)) {}          // NOLINT(google-explicit-constructor)
  Value(const char* text) : Value(std::string(text)) {}               // NOLINT(google-explicit-constructor)
  /// `hint`: why there is no value; the message of whoever needs one.
  static Value undefined(std::string hint) { return {std::move(hint), Kind::kUndefined}; }
  /// Text that is HTML already (`|safe`): what is added to it is escaped.
  static Value markup(std::string text);
  /// A list, tuple, range, view or generator. `label`: what repr writes before a view, and the whole of a range.
  static Value list(List items, Kind kind = Kind::kList, std::string label = {});
  static Value dict(Dict members);
  static Value made_namespace(Dict members);
  static Value loop(std::shared_ptr<Loop> loop);
  /// `label`: what repr writes. `depth`: that of the values which the function holds, plus one.
  static Value callable(Function function, std::string label, int depth = 1);

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is(Kind kind) const noexcept { return kind_ == kind; }
  [[nodiscard]] bool is_undefined() const noexcept { return kind_ == Kind::kUndefined; }
  [[nodiscard]] bool is_none() const noexcept { return kind_ == Kind::kNone; }
  [[nodiscard]] bool is_string() const noexcept { return kind_ == Kind::kString; }
  [[nodiscard]] bool is_markup() const noexcept { return is_markup_; }
  [[nodiscard]] bool is_integral() const noexcept { return kind_ == Kind::kInt || kind_ == Kind::kBool; }
  [[nodiscard]] bool is_number() const noexcept { return is_integral() || kind_ == Kind::kFloat; }
  [[nodiscard]] bool is_mapping() const noexcept { return kind_ == Kind::kDict; }
  /// What items() is of: a list, tuple, range, view or generator.
  [[nodiscard]] bool is_sequence() const noexcept { return kind_ >= Kind::kList && kind_ <= Kind::kGenerator; }
  /// A sequence with indices.
  [[nodiscard]] bool is_indexed() const noexcept { return kind_ >= Kind::kList && kind_ <= Kind::kRange; }

  [[nodiscard]] const std::string& string() const { return *std::get<StringPtr>(data_); }
  /// Of an undefined value: why it is none.
  [[nodiscard]] const std::string& hint() const { return string(); }
  [[nodiscard]] int64_t integer() const { return is(Kind::kBool) ? std::get<bool>(data_) : std::get<int64_t>(data_); }
  [[nodiscard]] double number() const {
    return kind_ == Kind::kFloat ? std::get<double>(data_) : static_cast<double>(integer());
  }
  [[nodiscard]] const List& items() const;
  [[nodiscard]] const std::string& label() const;
  /// The items of a generator, which has none afterwards; shared with the sequence otherwise.
  [[nodiscard]] Items read() const;
  /// Of a dict or namespace.
  [[nodiscard]] const Dict& members() const { return *std::get<std::shared_ptr<Dict>>(data_); }
  /// Of a namespace, which alone may change.
  [[nodiscard]] const std::shared_ptr<Dict>& shared_members() const { return std::get<std::shared_ptr<Dict>>(data_); }
  [[nodiscard]] const std::shared_ptr<Loop>& loop() const { return std::get<std::shared_ptr<Loop>>(data_); }
  [[nodiscard]] const Callable& callable() const { return *std::get<std::shared_ptr<const Callable>>(data_); }

  /// Python's truth.
  [[nodiscard]] bool truth() const;
  /// Whether both are the same object, or equal plain values of one kind: `is sameas`.
  [[nodiscard]] bool same_as(const Value& other) const;
  /// "str", "int", "dict", ...: for messages.
  [[nodiscard]] std::string_view type_name() const noexcept;
  /// How deep lists, dicts and what functions hold are nested: 0 for plain values and for namespaces, which the
  /// evaluator takes apart itself.
  [[nodiscard]] int depth() const noexcept;

 private:
  using StringPtr = std::shared_ptr<const std::string>;
  Value(std::string text, Kind kind) : kind_(kind), data_(std::make_shared<const std::string>(std::move(text))) {}

  Kind kind_;
  bool is_markup_ = false;
  std::variant<std::monostate, bool, int64_t, double, StringPtr, std::shared_ptr<Sequence>, std::shared_ptr<Dict>,
               std::shared_ptr<Loop>, std::shared_ptr<const Callable>>
      data_;
};

/// Values to walk through, which it holds: for (const Value& value : evaluator.iterate(...)).
class Items {
 public:
  explicit Items(std::shared_ptr<const List> values) : values_(std::move(values)) {}
  explicit Items(List values) : values_(std::make_shared<const List>(std::move(values))) {}

  [[nodiscard]] List::const_iterator begin() const { return values_->begin(); }
  [[nodiscard]] List::const_iterator end() const { return values_->end(); }
  [[nodiscard]] size_t size() const { return values_->size(); }
  [[nodiscard]] bool empty() const { return values_->empty(); }
  [[nodiscard]] const Value& operator[](size_t i) const { return (*values_)[i]; }

 private:
  std::shared_ptr<const List> values_;
};

struct Sequence {
  List items;
  std::string label;
  int depth = 1;
};

struct Callable {
  Function function;
  std::string label;
  int depth;
};

}  // namespace kinglet::text::jinja
