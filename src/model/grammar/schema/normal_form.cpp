#include "model/grammar/schema/normal_form.h"

#include <algorithm>
#include <iterator>

#include "core/base/base.h"
#include "model/grammar/formats.h"

namespace kinglet::grammar {
namespace {

using system::Json;
using system::JsonArray;

constexpr int kMaxDepth = 200;

const Json& no_value() {
  static const Json schema(false);
  return schema;
}

Goal goal_of(const Json& schema, bool is_positive = true) { return {{&schema, is_positive}}; }

void unite(std::vector<Case>& all, std::vector<Case> more) {
  if (all.size() + more.size() > NormalForms::kMaxCases) {
    fail_with(ErrorCode::kInvalidArgument, "schema: more than ", NormalForms::kMaxCases,
              " cases at one place (limit of alternatives)");
  }
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

void add_once(std::vector<std::string>& list, const std::string& text) {
  if (!contains(list, text)) list.push_back(text);
}

std::vector<std::string> strings_of(const Json* list) {
  std::vector<std::string> strings;
  if (list == nullptr || !list->is_array()) return strings;
  for (const Json& entry : list->as_array("list")) {
    if (entry.is_string()) strings.push_back(entry.as_string("entry"));
  }
  return strings;
}

const Json* object_at(const Json& schema, std::string_view keyword) {
  const Json* value = schema.find(keyword);
  return value != nullptr && value->is_object() ? value : nullptr;
}

const Json* array_at(const Json& schema, std::string_view keyword) {
  const Json* value = schema.find(keyword);
  return value != nullptr && value->is_array() ? value : nullptr;
}

const Json* string_at(const Json& schema, std::string_view keyword) {
  const Json* value = schema.find(keyword);
  return value != nullptr && value->is_string() ? value : nullptr;
}

bool is_true(const Json* value) { return value != nullptr && value->is_bool() && value->as_bool("value"); }

uint8_t kind_of(const Json& value) {
  if (value.is_null()) return Kinds::kNull;
  if (value.is_bool()) return value.as_bool("value") ? Kinds::kTrue : Kinds::kFalse;
  if (value.is_number()) return is_whole(plain_decimal(value)) ? Kinds::kWhole : Kinds::kBroken;
  if (value.is_string()) return Kinds::kString;
  return value.is_array() ? Kinds::kArray : Kinds::kObject;
}

// The schemas of items that come first, and of the rest; null where there are none.
struct ItemSchemas {
  const JsonArray* prefix = nullptr;
  const Json* rest = nullptr;
};

ItemSchemas items_of(const Json& schema) {
  const Json* items = schema.find("items");
  if (items != nullptr && items->is_array()) return {&items->as_array("items"), schema.find("additionalItems")};
  const Json* prefix = array_at(schema, "prefixItems");
  return {prefix == nullptr ? nullptr : &prefix->as_array("prefixItems"), items};
}

}  // namespace

Goal joined(const Goal& a, const Goal& b) {
  Goal both;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

void NormalForms::pass_over(const Json& schema, std::string_view keyword, std::string_view why) {
  const std::string pointer = str(document_.pointer_of(schema), "/", keyword);
  if (to_check_ == nullptr) fail_with(ErrorCode::kUnsupported, "schema: ", pointer, ": ", why, " cannot be enforced");
  to_check_->insert(pointer);
}

void NormalForms::count_step() {
  if (++n_steps_ > kMaxSteps)
    fail_with(ErrorCode::kInvalidArgument, "schema: takes more than ", kMaxSteps, " steps to compile (limit of steps)");
}

Goal NormalForms::normal(const Goal& goal) {
  Goal result;
  for (Literal literal : goal) {
    for (int i = 0; i < kMaxDepth; ++i) {
      const Json& schema = *literal.schema;
      if (!schema.is_object()) break;
      const Json* reference = string_at(schema, "$ref");
      const bool is_alone = schema.as_object("schema").size() == 1 || document_.draft() <= Draft::k7;
      if (reference != nullptr && is_alone) {
        literal.schema = &document_.resolve(schema, reference->as_string("$ref"));
        continue;
      }
      const Json* negated = schema.find("not");
      if (negated == nullptr || schema.as_object("schema").size() != 1) break;
      literal = {negated, !literal.is_positive};
    }
    const Json& schema = *literal.schema;
    const bool says_nothing =
        schema.is_bool() ? schema.as_bool("schema") : schema.is_object() && schema.as_object("schema").empty();
    if (says_nothing && literal.is_positive) continue;
    if (says_nothing || (schema.is_bool() && literal.is_positive)) return goal_of(no_value());
    if (schema.is_bool()) continue;
    result.push_back(literal);
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  for (const Literal& literal : result) {
    if (literal.is_positive && std::binary_search(result.begin(), result.end(), Literal{literal.schema, false}))
      return goal_of(no_value());
  }
  return result;
}

bool NormalForms::accepts(const Goal& goal, const Json& value) {
  return std::all_of(goal.begin(), goal.end(), [&](const Literal& literal) {
    return validator_.accepts(*literal.schema, value) == literal.is_positive;
  });
}

std::vector<Case> NormalForms::cases_of(const Goal& goal) { return apply_goal(goal, {Case{}}); }

NormalForms::Cases NormalForms::apply_goal(const Goal& goal, Cases cases) {
  // What does not branch first, so that cases die early.
  for (const bool is_positive : {true, false}) {
    for (const Literal& literal : goal) {
      if (literal.is_positive == is_positive) cases = apply(*literal.schema, is_positive, std::move(cases));
    }
  }
  return cases;
}

NormalForms::Cases NormalForms::apply(const Json& schema, bool is_positive, Cases cases) {
  count_step();
  if (cases.empty()) return cases;
  if (schema.is_bool()) return schema.as_bool("schema") == is_positive ? std::move(cases) : Cases{};
  if (!schema.is_object()) {
    fail_with(ErrorCode::kInvalidArgument, "schema: ", document_.pointer_of(schema), ": is ", schema.kind(),
              ", expected an object or a boolean");
  }
  if (depth_ >= kMaxDepth) {
    fail_with(ErrorCode::kInvalidArgument, "schema: ", document_.pointer_of(schema),
              ": refers to itself, or nests deeper than ", kMaxDepth, " at one place (limit of nesting)");
  }
  ++depth_;
  n_denials_ += is_positive ? 0 : 1;
  Cases made;
  const auto leave = [&] {
    --depth_;
    n_denials_ -= is_positive ? 0 : 1;
  };
  try {
    made = is_positive ? affirm(schema, std::move(cases)) : deny(schema, cases);
  } catch (...) {
    leave();
    throw;
  }
  leave();
  std::erase_if(made, [&](Case& c) { return !keep(c); });
  return made;
}

// Whether a case may have values, by what is seen at once. Kinds that have none are taken away.
bool NormalForms::keep(Case& c) {
  if (c.range.least && c.range.most) {
    const int order = compare_decimals(*c.range.least, *c.range.most);
    if (order > 0 || (order == 0 && (c.range.above_least || c.range.below_most)))
      c.kinds &= static_cast<uint8_t>(~Kinds::kNumber);
  }
  if (c.min_length > c.max_length) c.kinds &= static_cast<uint8_t>(~Kinds::kString);
  if (c.min_items > c.max_items) c.kinds &= static_cast<uint8_t>(~Kinds::kArray);
  const bool clash = std::any_of(c.required.begin(), c.required.end(),
                                 [&](const std::string& name) { return contains(c.forbidden, name); });
  if (clash || c.min_members > c.max_members || c.required.size() > c.max_members)
    c.kinds &= static_cast<uint8_t>(~Kinds::kObject);
  if (c.values) std::erase_if(*c.values, [&](const Json* value) { return (kind_of(*value) & c.kinds) == 0; });
  return c.kinds != 0 && !(c.values && c.values->empty());
}

uint8_t NormalForms::kinds_of(const Json& schema, const Json& type) {
  if (type.is_array()) {
    uint8_t kinds = 0;
    for (const Json& one : type.as_array("type")) kinds |= kinds_of(schema, one);
    return kinds;
  }
  if (!type.is_string()) {
    pass_over(schema, "type", "a type that is no name");
    return 0xFF;
  }
  const std::string& name = type.as_string("type");
  if (name == "null") return Kinds::kNull;
  if (name == "boolean") return Kinds::kTrue | Kinds::kFalse;
  if (name == "integer") return Kinds::kWhole;
  if (name == "number") return Kinds::kNumber;
  if (name == "string") return Kinds::kString;
  if (name == "array") return Kinds::kArray;
  if (name == "object") return Kinds::kObject;
  if (name == "any") return 0xFF;
  fail_with(ErrorCode::kInvalidArgument, "schema: ", document_.pointer_of(schema), "/type: ", name, " is no type");
}

// ---- What a schema says -------------------------------------------------------------------------------------------

NormalForms::Cases NormalForms::affirm(const Json& schema, Cases cases) {
  if (const Json* reference = string_at(schema, "$ref")) {
    cases = apply(document_.resolve(schema, reference->as_string("$ref")), true, std::move(cases));
    if (document_.draft() <= Draft::k7) return cases;
  }
  for (const std::string_view word : {"$dynamicRef", "$recursiveRef"}) {
    if (schema.find(word) != nullptr) pass_over(schema, word, "a reference that depends on where it is read from");
  }
  for (Case& c : cases) affirm_plain(schema, c);
  std::erase_if(cases, [&](Case& c) { return !keep(c); });
  // Unevaluated members are those that nothing of this schema, its references and branches met.
  const bool has_unevaluated = document_.draft() >= Draft::k2019 && (schema.find("unevaluatedProperties") != nullptr ||
                                                                     schema.find("unevaluatedItems") != nullptr);
  if (has_unevaluated) return affirm_unevaluated(schema, std::move(cases));
  for (Case& c : cases) affirm_array(schema, c);
  for (Case& c : cases) affirm_object(schema, c);
  cases = affirm_dependencies(schema, std::move(cases));
  if (const Json* all = array_at(schema, "allOf")) {
    for (const Json& branch : all->as_array("allOf")) cases = apply(branch, true, std::move(cases));
  }
  if (const Json* negated = schema.find("not")) cases = apply(*negated, false, std::move(cases));
  if (const Json* any = array_at(schema, "anyOf")) {
    Cases united;
    for (const Json& branch : any->as_array("anyOf")) unite(united, apply(branch, true, cases));
    cases = std::move(united);
  }
  if (const Json* one = array_at(schema, "oneOf")) cases = affirm_one(one->as_array("oneOf"), cases);
  const Json* condition = document_.draft() >= Draft::k7 ? schema.find("if") : nullptr;
  const Json* then = schema.find("then");
  const Json* otherwise = schema.find("else");
  if (condition != nullptr && (then != nullptr || otherwise != nullptr)) {
    Cases holds = apply(*condition, true, cases);
    Cases fails = apply(*condition, false, std::move(cases));
    if (then != nullptr) holds = apply(*then, true, std::move(holds));
    if (otherwise != nullptr) fails = apply(*otherwise, true, std::move(fails));
    cases = std::move(holds);
    unite(cases, std::move(fails));
  }
  return cases;
}

bool NormalForms::affirm_bound(const Json& schema, std::string_view keyword, bool is_least, bool is_open, Case& c) {
  const Json* value = schema.find(keyword);
  if (value == nullptr || !value->is_number()) return false;
  const std::string bound = plain_decimal(*value);
  auto& own = is_least ? c.range.least : c.range.most;
  bool& open = is_least ? c.range.above_least : c.range.below_most;
  const int order = own ? compare_decimals(bound, *own) * (is_least ? 1 : -1) : 1;
  if (order > 0) {
    own = bound;
    open = is_open;
  } else if (order == 0) {
    open = open || is_open;
  }
  return true;
}

void NormalForms::affirm_plain(const Json& schema, Case& c) {
  if (const Json* type = schema.find("type")) c.kinds &= kinds_of(schema, *type);
  const auto keep_values = [&](const std::vector<const Json*>& values) {
    if (!c.values) {
      c.values = values;
      return;
    }
    std::erase_if(*c.values, [&](const Json* own) {
      return std::none_of(values.begin(), values.end(), [&](const Json* value) { return equal_values(*own, *value); });
    });
  };
  if (const Json* constant = schema.find("const"); constant != nullptr && document_.draft() > Draft::k4)
    keep_values({constant});
  if (const Json* list = array_at(schema, "enum")) {
    std::vector<const Json*> values;
    for (const Json& value : list->as_array("enum")) values.push_back(&value);
    keep_values(values);
  }
  affirm_bound(schema, "minimum", true, is_true(schema.find("exclusiveMinimum")), c);
  affirm_bound(schema, "maximum", false, is_true(schema.find("exclusiveMaximum")), c);
  affirm_bound(schema, "exclusiveMinimum", true, true, c);
  affirm_bound(schema, "exclusiveMaximum", false, true, c);
  if (const Json* divisor = schema.find("multipleOf"); divisor != nullptr && divisor->is_number())
    c.multiples.emplace_back(plain_decimal(*divisor), true);
  c.min_length = std::max(c.min_length, count_of(schema, "minLength").value_or(0));
  c.max_length = std::min(c.max_length, count_of(schema, "maxLength").value_or(Case::kNoLimit));
  if (const Json* pattern = string_at(schema, "pattern")) c.patterns.push_back({pattern->as_string("pattern"), true});
  if (const Json* format = string_at(schema, "format"); format != nullptr && checks_formats_)
    c.formats.push_back({format->as_string("format"), true});
}

void NormalForms::affirm_array(const Json& schema, Case& c) {
  const ItemSchemas items = items_of(schema);
  if (items.prefix != nullptr || items.rest != nullptr) {
    Case::Items made{.prefix = {}, .rest = {}, .is_evaluated = n_denials_ == 0};
    if (items.prefix != nullptr) {
      for (const Json& one : *items.prefix) made.prefix.push_back(goal_of(one));
    }
    if (items.rest != nullptr) made.rest = goal_of(*items.rest);
    c.items.push_back(std::move(made));
  }
  c.min_items = std::max(c.min_items, count_of(schema, "minItems").value_or(0));
  c.max_items = std::min(c.max_items, count_of(schema, "maxItems").value_or(Case::kNoLimit));
  if (is_true(schema.find("uniqueItems"))) c.unique = &schema;
  if (const Json* inner = schema.find("contains"); inner != nullptr && document_.draft() > Draft::k4) {
    const bool has_counts = document_.draft() >= Draft::k2019;
    const uint32_t least = has_counts ? count_of(schema, "minContains").value_or(1) : 1;
    const uint32_t most = has_counts ? count_of(schema, "maxContains").value_or(Case::kNoLimit) : Case::kNoLimit;
    if (least > most) {
      c.kinds &= static_cast<uint8_t>(~Kinds::kArray);
    } else if (least > 0 || most != Case::kNoLimit) {
      c.contains.push_back({goal_of(*inner), 0, least, most});
    }
  }
}

void NormalForms::affirm_object(const Json& schema, Case& c) {
  const Json* names = object_at(schema, "properties");
  const Json* patterns = object_at(schema, "patternProperties");
  const Json* rest = schema.find("additionalProperties");
  if (names != nullptr || patterns != nullptr || rest != nullptr) {
    Case::Members made;
    made.is_evaluated = n_denials_ == 0;
    if (names != nullptr) {
      for (const auto& [name, inner] : names->as_object("properties")) {
        std::erase_if(made.names, [&](const auto& other) { return other.first == name; });
        made.names.emplace_back(name, goal_of(inner));
      }
    }
    if (patterns != nullptr) {
      for (const auto& [pattern, inner] : patterns->as_object("patternProperties"))
        made.patterns.emplace_back(pattern, goal_of(inner));
    }
    if (rest != nullptr) {
      made.rest = goal_of(*rest);
      made.evaluates_rest = true;
    }
    c.members.push_back(std::move(made));
  }
  for (const std::string& name : strings_of(schema.find("required"))) add_once(c.required, name);
  if (const auto least = count_of(schema, "minProperties"); least && *least > c.min_members) {
    c.min_members = *least;
    c.least_asked = &schema;
  }
  c.max_members = std::min(c.max_members, count_of(schema, "maxProperties").value_or(Case::kNoLimit));
  if (const Json* keys = schema.find("propertyNames"); keys != nullptr && document_.draft() > Draft::k4)
    c.names.push_back(goal_of(*keys));
}

NormalForms::Cases NormalForms::affirm_dependencies(const Json& schema, Cases cases) {
  for (const std::string_view word : {"dependentRequired", "dependentSchemas", "dependencies"}) {
    const Json* dependencies = object_at(schema, word);
    if (dependencies == nullptr) continue;
    for (const auto& [name, needed] : dependencies->as_object(word)) {
      Cases made;
      Cases present;
      for (const Case& c : cases) {
        if ((c.kinds & Kinds::kObject) == 0) {
          made.push_back(c);
          continue;
        }
        Case without = c;
        add_once(without.forbidden, name);
        if (keep(without)) made.push_back(std::move(without));
        Case with = c;
        with.kinds = Kinds::kObject;
        add_once(with.required, name);
        std::vector<std::string> others = strings_of(&needed);
        if (needed.is_string()) others.push_back(needed.as_string(word));
        for (const std::string& other : others) add_once(with.required, other);
        if (keep(with)) present.push_back(std::move(with));
      }
      if (needed.is_object() || needed.is_bool()) present = apply(needed, true, std::move(present));
      unite(made, std::move(present));
      cases = std::move(made);
    }
  }
  return cases;
}

// Exactly one branch holds. A branch that no other one can hold beside needs no negation of the others.
NormalForms::Cases NormalForms::affirm_one(const JsonArray& branches, const Cases& cases) {
  Cases united;
  for (size_t i = 0; i < branches.size(); ++i) {
    Cases made = apply(branches[i], true, cases);
    for (size_t j = 0; j < branches.size() && !made.empty(); ++j) {
      if (j == i) continue;
      const Goal both = normal(joined(goal_of(branches[i]), goal_of(branches[j])));
      if (i != j && &branches[i] != &branches[j] && is_surely_empty(both, 3)) continue;
      made = apply(branches[j], false, std::move(made));
    }
    unite(united, std::move(made));
  }
  return united;
}

NormalForms::Cases NormalForms::affirm_unevaluated(const Json& schema, Cases cases) {
  // What this schema adds to an empty case is what it evaluates; then that is said together with the keyword.
  Cases united;
  {
    const Json* rest_of_members = schema.find("unevaluatedProperties");
    const Json* rest_of_items = schema.find("unevaluatedItems");
    for (Case& c : cases) {
      Cases start(1);
      const std::vector<Case::Members> members = std::exchange(c.members, {});
      const std::vector<Case::Items> items = std::exchange(c.items, {});
      start[0] = std::move(c);
      for (Case& s : start) affirm_array(schema, s);
      for (Case& s : start) affirm_object(schema, s);
      start = affirm_dependencies(schema, std::move(start));
      if (const Json* all = array_at(schema, "allOf")) {
        for (const Json& branch : all->as_array("allOf")) start = apply(branch, true, std::move(start));
      }
      if (const Json* any = array_at(schema, "anyOf")) {
        // A value may satisfy several branches, which then all evaluate: each case says which ones it satisfies.
        for (const Json& branch : any->as_array("anyOf")) {
          Cases with = apply(branch, true, start);
          unite(with, apply(branch, false, start));
          start = std::move(with);
        }
        pass_over(schema, "anyOf", "anyOf beside an unevaluated keyword");
      }
      if (const Json* one = array_at(schema, "oneOf")) start = affirm_one(one->as_array("oneOf"), start);
      const Json* condition = schema.find("if");
      if (condition != nullptr) {
        Cases holds = apply(*condition, true, start);
        Cases fails = apply(*condition, false, std::move(start));
        if (const Json* then = schema.find("then")) holds = apply(*then, true, std::move(holds));
        if (const Json* otherwise = schema.find("else")) fails = apply(*otherwise, true, std::move(fails));
        start = std::move(holds);
        unite(start, std::move(fails));
      }
      if (schema.find("$ref") != nullptr || schema.find("not") != nullptr)
        pass_over(schema, schema.find("$ref") != nullptr ? "$ref" : "not", "it beside an unevaluated keyword");
      for (Case& s : start) {
        if (rest_of_members != nullptr) {
          Case::Members all;
          bool is_all = false;
          for (const Case::Members& m : s.members) {
            if (!m.is_evaluated) continue;
            for (const auto& [name, goal] : m.names) all.names.emplace_back(name, Goal{});
            for (const auto& [pattern, goal] : m.patterns) all.patterns.emplace_back(pattern, Goal{});
            is_all = is_all || m.evaluates_rest;
          }
          all.evaluates_rest = true;
          if (!is_all) {
            all.rest = goal_of(*rest_of_members);
            s.members.push_back(std::move(all));
          }
        }
        if (rest_of_items != nullptr) {
          if (!s.contains.empty()) pass_over(schema, "unevaluatedItems", "it beside contains");
          size_t n = 0;
          bool is_all = false;
          for (const Case::Items& i : s.items) {
            if (!i.is_evaluated) continue;
            n = std::max(n, i.prefix.size());
            is_all = is_all || !i.rest.empty();
          }
          Case::Items all;
          all.prefix.resize(n);
          all.rest = goal_of(*rest_of_items);
          if (!is_all) s.items.push_back(std::move(all));
        }
        s.members.insert(s.members.end(), members.begin(), members.end());
        s.items.insert(s.items.end(), items.begin(), items.end());
      }
      unite(united, std::move(start));
    }
  }
  return united;
}

// ---- What breaks a schema -----------------------------------------------------------------------------------------

NormalForms::Cases NormalForms::deny(const Json& schema, const Cases& cases) {
  if (const Json* reference = string_at(schema, "$ref")) {
    const Json& target = document_.resolve(schema, reference->as_string("$ref"));
    Cases made = apply(target, false, cases);
    if (document_.draft() <= Draft::k7) return made;
    if (schema.as_object("schema").size() == 1) return made;
    pass_over(schema, "$ref", "not of a reference with keywords beside it");
    return cases;
  }
  for (const std::string_view word : {"$dynamicRef", "$recursiveRef", "unevaluatedProperties", "unevaluatedItems"}) {
    if (schema.find(word) == nullptr) continue;
    pass_over(schema, word, "not of it");
    return cases;
  }
  Cases made;
  for (const Case& c : cases) {
    deny_plain(schema, c, made);
    deny_array(schema, c, made);
    deny_object(schema, c, made);
  }
  std::erase_if(made, [&](Case& c) { return !keep(c); });
  if (const Json* all = array_at(schema, "allOf")) {
    for (const Json& branch : all->as_array("allOf")) unite(made, apply(branch, false, cases));
  }
  if (const Json* negated = schema.find("not")) unite(made, apply(*negated, true, cases));
  if (const Json* any = array_at(schema, "anyOf")) {
    Cases none = cases;
    for (const Json& branch : any->as_array("anyOf")) none = apply(branch, false, std::move(none));
    unite(made, std::move(none));
  }
  if (const Json* one = array_at(schema, "oneOf")) {
    const auto& branches = one->as_array("oneOf");
    Cases none = cases;
    for (const Json& branch : branches) none = apply(branch, false, std::move(none));
    unite(made, std::move(none));
    for (size_t i = 0; i < branches.size(); ++i) {
      const Cases first = apply(branches[i], true, cases);
      for (size_t j = i + 1; j < branches.size(); ++j) unite(made, apply(branches[j], true, first));
    }
  }
  const Json* condition = document_.draft() >= Draft::k7 ? schema.find("if") : nullptr;
  if (condition != nullptr) {
    if (const Json* then = schema.find("then")) unite(made, apply(*then, false, apply(*condition, true, cases)));
    if (const Json* otherwise = schema.find("else"))
      unite(made, apply(*otherwise, false, apply(*condition, false, cases)));
  }
  return made;
}

void NormalForms::deny_values(const Json& schema, Case& c) {
  const auto exclude = [&](std::string_view keyword, const Json& value) {
    const uint8_t kind = kind_of(value);
    if (c.values) {
      std::erase_if(*c.values, [&](const Json* own) { return equal_values(*own, value); });
    } else if ((kind & (Kinds::kNull | Kinds::kTrue | Kinds::kFalse)) != 0) {
      c.kinds &= static_cast<uint8_t>(~kind);
    } else if ((kind & Kinds::kNumber) != 0) {
      c.other_numbers.push_back(plain_decimal(value));
    } else if (kind == Kinds::kString) {
      c.other_strings.push_back(value.as_string("value"));
    } else if (kind == Kinds::kArray && value.as_array("value").empty()) {
      c.min_items = std::max(c.min_items, 1U);
    } else if (kind == Kinds::kObject && value.as_object("value").empty()) {
      c.min_members = std::max(c.min_members, 1U);
    } else if ((c.kinds & kind) != 0) {
      pass_over(schema, keyword, "not of an array or object");
    }
  };
  if (const Json* constant = schema.find("const"); constant != nullptr && document_.draft() > Draft::k4) {
    exclude("const", *constant);
    return;
  }
  for (const Json& value : schema.at("enum").as_array("enum")) exclude("enum", value);
}

void NormalForms::deny_plain(const Json& schema, const Case& c, Cases& made) {
  const auto with = [&](uint8_t kinds, const auto& change) {
    Case other = c;
    other.kinds &= kinds;
    if (other.kinds == 0) return;
    change(other);
    made.push_back(std::move(other));
  };
  if (const Json* type = schema.find("type")) with(static_cast<uint8_t>(~kinds_of(schema, *type)), [](Case&) {});
  // Where both stand beside each other, breaking the constant is what is left: it is one of the values or none is.
  if (array_at(schema, "enum") != nullptr || (schema.find("const") != nullptr && document_.draft() > Draft::k4))
    with(0xFF, [&](Case& other) { deny_values(schema, other); });
  // Less than a least one, or equal to it where it is itself left out.
  const auto deny_bound = [&](std::string_view keyword, bool is_least, bool includes) {
    const Json* bound = schema.find(keyword);
    if (bound == nullptr || !bound->is_number()) return;
    with(Kinds::kNumber, [&](Case& other) {
      Json opposite;
      opposite.set("bound", *bound);
      affirm_bound(opposite, "bound", !is_least, includes, other);
    });
  };
  deny_bound("minimum", true, !is_true(schema.find("exclusiveMinimum")));
  deny_bound("maximum", false, !is_true(schema.find("exclusiveMaximum")));
  deny_bound("exclusiveMinimum", true, false);
  deny_bound("exclusiveMaximum", false, false);
  if (const Json* divisor = schema.find("multipleOf"); divisor != nullptr && divisor->is_number())
    with(Kinds::kNumber, [&](Case& other) { other.multiples.emplace_back(plain_decimal(*divisor), false); });
  if (const auto least = count_of(schema, "minLength"); least && *least > 0)
    with(Kinds::kString, [&](Case& other) { other.max_length = std::min(other.max_length, *least - 1); });
  if (const auto most = count_of(schema, "maxLength"))
    with(Kinds::kString, [&](Case& other) { other.min_length = std::max(other.min_length, *most + 1); });
  if (const Json* pattern = string_at(schema, "pattern"))
    with(Kinds::kString, [&](Case& other) { other.patterns.push_back({pattern->as_string("pattern"), false}); });
  if (const Json* format = string_at(schema, "format"); format != nullptr && checks_formats_) {
    if (texts_of_format(format->as_string("format"), Spelling::kText) != nullptr)
      with(Kinds::kString, [&](Case& other) { other.formats.push_back({format->as_string("format"), false}); });
  }
}

void NormalForms::deny_array(const Json& schema, const Case& c, Cases& made) {
  if ((c.kinds & Kinds::kArray) == 0) return;
  const auto with = [&](const auto& change) {
    Case other = c;
    other.kinds = Kinds::kArray;
    change(other);
    made.push_back(std::move(other));
  };
  const ItemSchemas items = items_of(schema);
  const size_t n_prefix = items.prefix == nullptr ? 0 : items.prefix->size();
  for (size_t i = 0; i < n_prefix; ++i) {
    with([&](Case& other) {
      Case::Items made_items{.prefix = {}, .rest = {}, .is_evaluated = false};
      made_items.prefix.resize(i + 1);
      made_items.prefix[i] = goal_of((*items.prefix)[i], false);
      other.items.push_back(std::move(made_items));
      other.min_items = std::max(other.min_items, static_cast<uint32_t>(i + 1));
    });
  }
  if (items.rest != nullptr && !(items.rest->is_bool() && items.rest->as_bool("items"))) {
    with([&](Case& other) {
      other.contains.push_back({goal_of(*items.rest, false), static_cast<uint32_t>(n_prefix), 1, Case::kNoLimit});
    });
  }
  if (const auto least = count_of(schema, "minItems"); least && *least > 0)
    with([&](Case& other) { other.max_items = std::min(other.max_items, *least - 1); });
  if (const auto most = count_of(schema, "maxItems"))
    with([&](Case& other) { other.min_items = std::max(other.min_items, *most + 1); });
  if (is_true(schema.find("uniqueItems"))) {
    pass_over(schema, "uniqueItems", "not of it");
    made.push_back(c);
  }
  if (const Json* inner = schema.find("contains"); inner != nullptr && document_.draft() > Draft::k4) {
    const bool has_counts = document_.draft() >= Draft::k2019;
    const uint32_t least = has_counts ? count_of(schema, "minContains").value_or(1) : 1;
    const auto most = has_counts ? count_of(schema, "maxContains") : std::nullopt;
    if (least > 0) with([&](Case& other) { other.contains.push_back({goal_of(*inner), 0, 0, least - 1}); });
    if (most) with([&](Case& other) { other.contains.push_back({goal_of(*inner), 0, *most + 1, Case::kNoLimit}); });
  }
}

void NormalForms::deny_object(const Json& schema, const Case& c, Cases& made) {
  if ((c.kinds & Kinds::kObject) == 0) return;
  const auto with = [&](const auto& change) {
    Case other = c;
    other.kinds = Kinds::kObject;
    change(other);
    made.push_back(std::move(other));
  };
  for (const std::string& name : strings_of(schema.find("required")))
    with([&](Case& other) { add_once(other.forbidden, name); });
  const Json* names = object_at(schema, "properties");
  const Json* patterns = object_at(schema, "patternProperties");
  Case::Some rest;
  if (names != nullptr) {
    for (const auto& [name, inner] : names->as_object("properties")) {
      rest.other_than.push_back(name);
      if (inner.is_bool() && inner.as_bool("schema")) continue;
      with([&](Case& other) {
        Case::Members one;
        one.is_evaluated = false;
        one.names.emplace_back(name, goal_of(inner, false));
        other.members.push_back(std::move(one));
        add_once(other.required, name);
      });
    }
  }
  if (patterns != nullptr) {
    for (const auto& [pattern, inner] : patterns->as_object("patternProperties")) {
      rest.other_patterns.push_back(pattern);
      if (inner.is_bool() && inner.as_bool("schema")) continue;
      with([&](Case& other) {
        other.some.push_back(
            {.other_than = {}, .other_patterns = {}, .pattern = pattern, .name = {}, .value = goal_of(inner, false)});
      });
    }
  }
  if (const Json* inner = schema.find("additionalProperties");
      inner != nullptr && !(inner->is_bool() && inner->as_bool("schema"))) {
    rest.value = goal_of(*inner, false);
    with([&](Case& other) { other.some.push_back(rest); });
  }
  if (const Json* keys = schema.find("propertyNames"); keys != nullptr && document_.draft() > Draft::k4) {
    with([&](Case& other) {
      other.some.push_back(
          {.other_than = {}, .other_patterns = {}, .pattern = {}, .name = goal_of(*keys, false), .value = {}});
    });
  }
  if (const auto least = count_of(schema, "minProperties"); least && *least > 0)
    with([&](Case& other) { other.max_members = std::min(other.max_members, *least - 1); });
  if (const auto most = count_of(schema, "maxProperties"))
    with([&](Case& other) {
      other.min_members = std::max(other.min_members, *most + 1);
      other.least_asked = &schema;
    });
  for (const std::string_view word : {"dependentRequired", "dependentSchemas", "dependencies"}) {
    const Json* dependencies = object_at(schema, word);
    if (dependencies == nullptr) continue;
    for (const auto& [name, needed] : dependencies->as_object(word)) {
      for (const std::string& other_name : strings_of(&needed)) {
        with([&](Case& other) {
          add_once(other.required, name);
          add_once(other.forbidden, other_name);
        });
      }
      if (needed.is_object() || needed.is_bool()) {
        Case present = c;
        present.kinds = Kinds::kObject;
        add_once(present.required, name);
        unite(made, apply(needed, false, {present}));
      }
    }
  }
}

// ---- What is asked of a case --------------------------------------------------------------------------------------

std::optional<Goal> NormalForms::goal_of_member(const Case& c, const std::string& name) {
  if (contains(c.forbidden, name)) return std::nullopt;
  for (const Goal& names : c.names) {
    if (!accepts(names, Json(name))) return std::nullopt;
  }
  Goal goal;
  for (const Case::Members& members : c.members) {
    bool is_met = false;
    for (const auto& [own, inner] : members.names) {
      if (own != name) continue;
      is_met = true;
      goal = joined(goal, inner);
    }
    for (const auto& [pattern, inner] : members.patterns) {
      if (!validator_.matches(pattern, name)) continue;
      is_met = true;
      goal = joined(goal, inner);
    }
    if (!is_met) goal = joined(goal, members.rest);
  }
  goal = normal(goal);
  if (goal == goal_of(no_value())) return std::nullopt;
  return goal;
}

Goal NormalForms::goal_of_item(const Case& c, size_t i) {
  Goal goal;
  for (const Case::Items& items : c.items) goal = joined(goal, i < items.prefix.size() ? items.prefix[i] : items.rest);
  return goal;
}

bool NormalForms::is_surely_empty(const Goal& raw, int depth) {
  const Goal goal = normal(raw);
  if (goal == goal_of(no_value())) return true;
  if (goal.empty() || depth == 0) return false;
  if (const auto at = empty_.find(goal); at != empty_.end()) return at->second;
  empty_[goal] = false;  // what refers to itself is not seen to be empty
  Cases cases;
  try {
    cases = cases_of(goal);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;
    return false;
  }
  const auto is_empty = [&](Case& c) {
    if (c.values) {
      return std::none_of(c.values->begin(), c.values->end(), [&](const Json* value) { return accepts(goal, *value); });
    }
    if ((c.kinds & Kinds::kObject) != 0) {
      for (const std::string& name : c.required) {
        const auto inner = goal_of_member(c, name);
        if (!inner || is_surely_empty(*inner, depth - 1)) {
          c.kinds &= static_cast<uint8_t>(~Kinds::kObject);
          break;
        }
      }
    }
    if ((c.kinds & Kinds::kArray) != 0) {
      for (uint32_t i = 0; i < std::min(c.min_items, 8U); ++i) {
        if (is_surely_empty(goal_of_item(c, i), depth - 1)) {
          c.kinds &= static_cast<uint8_t>(~Kinds::kArray);
          break;
        }
      }
    }
    if (c.kinds == Kinds::kString && c.patterns.size() > 1) {
      Dfa set = all_texts(Spelling::kText);
      for (const Case::Sign& pattern : c.patterns) {
        const Dfa own = texts_matching(pattern.text, Spelling::kText);
        set = pattern.is_positive ? Dfa::intersection(set, own) : Dfa::difference(set, own);
      }
      if (set.is_empty()) c.kinds = 0;
    }
    return c.kinds == 0;
  };
  const bool result = std::all_of(cases.begin(), cases.end(), is_empty);
  empty_[goal] = result;
  return result;
}

}  // namespace kinglet::grammar
