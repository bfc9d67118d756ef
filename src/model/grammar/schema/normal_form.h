// A schema as alternatives without conditions: what any JSON value of it is like, one level deep. Internal to
// model/grammar.
//
// A goal is a conjunction of schemas, each as it is or negated: what a value must satisfy. Its normal form is a list of
// cases; a value satisfies the goal if and only if it satisfies one of them. A case holds constraints of each type of
// value, and goals for the values within. allOf joins, anyOf and oneOf branch, not turns a keyword into its opposite,
// if becomes (if and then) or (not if and else): the usual laws, so a case has no conditions left.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "model/grammar/numbers.h"
#include "model/grammar/schema/document.h"
#include "model/grammar/schema/validator.h"

namespace kinglet::grammar {

/// A schema, or its opposite.
struct Literal {
  const system::Json* schema;
  bool is_positive;
  auto operator<=>(const Literal&) const = default;
};
/// Sorted. Empty: any value.
using Goal = std::vector<Literal>;

Goal joined(const Goal& a, const Goal& b);

/// Kinds of values, as bits.
struct Kinds {
  static constexpr uint8_t kNull = 1;
  static constexpr uint8_t kTrue = 2;
  static constexpr uint8_t kFalse = 4;
  static constexpr uint8_t kWhole = 8;    ///< Numbers without a fraction.
  static constexpr uint8_t kBroken = 16;  ///< Those with one.
  static constexpr uint8_t kString = 32;
  static constexpr uint8_t kArray = 64;
  static constexpr uint8_t kObject = 128;
  static constexpr uint8_t kNumber = kWhole | kBroken;
};

struct Case {
  static constexpr uint32_t kNoLimit = UINT32_MAX;
  struct Sign {
    std::string text;
    bool is_positive;
  };
  struct Items {
    std::vector<Goal> prefix;
    Goal rest;
    bool is_evaluated = true;  ///< Of a schema that holds: unevaluatedItems passes over what it names.
  };
  struct Contains {
    Goal goal;
    uint32_t first;  ///< Items from this one on count.
    uint32_t least;
    uint32_t most;
  };
  struct Members {
    std::vector<std::pair<std::string, Goal>> names;
    std::vector<std::pair<std::string, Goal>> patterns;
    Goal rest;
    bool evaluates_rest = false;  ///< Names that are not listed count as evaluated.
    bool is_evaluated = true;     ///< Of a schema that holds: unevaluatedProperties passes over what it names.
  };
  /// At least one member: its name not among these, and of a pattern or a goal, its value of a goal.
  struct Some {
    std::vector<std::string> other_than;
    std::vector<std::string> other_patterns;
    std::optional<std::string> pattern;
    Goal name;
    Goal value;
  };

  uint8_t kinds = 0xFF;
  std::optional<std::vector<const system::Json*>> values;  ///< One of these.
  NumberRange range;
  std::vector<std::pair<std::string, bool>> multiples;  ///< Of a divisor, or not.
  std::vector<std::string> other_numbers;
  uint32_t min_length = 0;
  uint32_t max_length = kNoLimit;
  std::vector<Sign> patterns;
  std::vector<Sign> formats;
  std::vector<std::string> other_strings;
  std::vector<Items> items;
  std::vector<Contains> contains;
  uint32_t min_items = 0;
  uint32_t max_items = kNoLimit;
  const system::Json* unique = nullptr;  ///< The schema that asks for it.
  std::vector<Members> members;
  std::vector<std::string> required;
  std::vector<std::string> forbidden;
  std::vector<Goal> names;  ///< Goals of all names of members.
  std::vector<Some> some;
  uint32_t min_members = 0;
  const system::Json* least_asked = nullptr;  ///< The schema that asks for min_members.
  uint32_t max_members = kNoLimit;
};

/// Not thread-safe.
class NormalForms {
 public:
  static constexpr size_t kMaxCases = 4'000;
  static constexpr size_t kMaxSteps = 400'000;

  /// `to_check`, which may be null: takes the pointers of keywords that are passed over; without it they are errors.
  NormalForms(const SchemaDocument& document, Validator& validator, bool checks_formats,
              std::set<std::string>* to_check)
      : document_(document), validator_(validator), checks_formats_(checks_formats), to_check_(to_check) {}

  /// The goal as it is written as a rule: without schemas that say nothing, references followed.
  [[nodiscard]] Goal normal(const Goal& goal);
  /// Throws Error{kUnsupported} for a keyword that cannot be enforced (named by its pointer), kInvalidArgument over a
  /// limit (named).
  std::vector<Case> cases_of(const Goal& goal);
  /// Whether no value satisfies the goal, as far as can be seen some levels deep; false where that is not seen.
  bool is_surely_empty(const Goal& goal, int depth);
  /// What the value of a member of this name must satisfy; nothing where there may be no such member.
  std::optional<Goal> goal_of_member(const Case& c, const std::string& name);
  /// What the item of this index must satisfy.
  [[nodiscard]] static Goal goal_of_item(const Case& c, size_t i);
  /// The value as the whole goal sees it.
  bool accepts(const Goal& goal, const system::Json& value);

  /// Notes a keyword that is passed over. Throws Error{kUnsupported} where that is not allowed.
  void pass_over(const system::Json& schema, std::string_view keyword, std::string_view why);

 private:
  using Cases = std::vector<Case>;
  Cases apply(const system::Json& schema, bool is_positive, Cases cases);
  Cases apply_goal(const Goal& goal, Cases cases);
  Cases affirm(const system::Json& schema, Cases cases);
  Cases deny(const system::Json& schema, const Cases& cases);
  void affirm_plain(const system::Json& schema, Case& c);
  void affirm_array(const system::Json& schema, Case& c);
  void affirm_object(const system::Json& schema, Case& c);
  Cases affirm_dependencies(const system::Json& schema, Cases cases);
  Cases affirm_one(const system::JsonArray& branches, const Cases& cases);
  Cases affirm_unevaluated(const system::Json& schema, Cases cases);
  bool affirm_bound(const system::Json& schema, std::string_view keyword, bool is_least, bool is_open, Case& c);
  void deny_values(const system::Json& schema, Case& c);
  void deny_plain(const system::Json& schema, const Case& c, Cases& made);
  void deny_array(const system::Json& schema, const Case& c, Cases& made);
  void deny_object(const system::Json& schema, const Case& c, Cases& made);
  uint8_t kinds_of(const system::Json& schema, const system::Json& type);
  bool keep(Case& c);
  void count_step();

  const SchemaDocument& document_;
  Validator& validator_;
  bool checks_formats_;
  std::set<std::string>* to_check_;
  size_t n_steps_ = 0;
  int depth_ = 0;
  int n_denials_ = 0;  // how many `not` we are in
  std::map<Goal, bool> empty_;
};

}  // namespace kinglet::grammar
