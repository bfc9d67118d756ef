// Filters, tests and methods: rows of tables, with the names of their parameters. Internal to the template engine.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "model/text/jinja/evaluator.h"

namespace kinglet::text::jinja {

class Call;

/// One of them. `run` gets arguments by the places of their parameters.
struct Operation {
  static constexpr size_t kMaxParameters = 4;
  std::string_view name;
  Value (*run)(const Call& call);
  std::array<std::string_view, kMaxParameters> parameters = {};
  bool is_open = false;  ///< Takes any arguments and reads them itself.
};

/// One call of an operation.
class Call {
 public:
  Call(const Operation& operation, Evaluator& evaluator_, const Value& input_, const Arguments& arguments_);

  Evaluator& evaluator;
  const Value& input;          ///< What stands before the bar, the dot or `is`.
  const Arguments& arguments;  ///< As they were given.

  /// Argument i; null where it was not given.
  [[nodiscard]] const Value* operator[](size_t i) const { return given_[i]; }
  [[nodiscard]] bool has(size_t i) const { return given_[i] != nullptr && !given_[i]->is_none(); }
  /// Refuse a call without argument i, or with one of another type.
  [[nodiscard]] const Value& need(size_t i) const;
  [[nodiscard]] const std::string& string(size_t i) const;
  [[nodiscard]] int64_t integer(size_t i, int64_t standard) const;
  [[nodiscard]] bool truth(size_t i, bool standard) const {
    return given_[i] == nullptr ? standard : given_[i]->truth();
  }
  /// str(argument i).
  [[nodiscard]] std::string text(size_t i, std::string_view standard = {}) const;
  /// str(input), charged.
  [[nodiscard]] Value input_text() const;

 private:
  const Operation& operation_;
  std::array<const Value*, Operation::kMaxParameters> given_{};
};

Value perform(const Operation& operation, Evaluator& evaluator, const Value& input, const Arguments& arguments);

/// The row of that name in a table sorted by names; null where there is none.
template <size_t kSize>
const Operation* find_operation(const std::array<Operation, kSize>& table, std::string_view name) {
  const auto row = std::ranges::lower_bound(table, name, {}, &Operation::name);
  return row != table.end() && row->name == name ? &*row : nullptr;
}
template <size_t kSize>
constexpr bool is_sorted_by_name(const std::array<Operation, kSize>& table) {
  return std::ranges::is_sorted(table, {}, &Operation::name);
}

/// Null where there is none (filters.cpp, tests.cpp).
const Operation* find_filter(std::string_view name);
const Operation* find_test(std::string_view name);
/// Filters by what they are for: null where the name is none of them.
const Operation* find_list_filter(std::string_view name);
const Operation* find_text_filter(std::string_view name);
const Operation* find_number_filter(std::string_view name);

/// The bound method of an object; nullopt where its type has none of this name (methods.cpp). Methods that would change
/// the object are undefined, as in Jinja's sandbox.
std::optional<Value> find_method(Evaluator& evaluator, const Value& object, std::string_view name);
const Operation* find_string_method(std::string_view name);

/// The label of groupby's pairs.
inline constexpr std::string_view kGroupLabel = "group";

}  // namespace kinglet::text::jinja
