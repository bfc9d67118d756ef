#include "model/grammar/schema/validator.h"

#include <algorithm>
#include <cmath>

#include "core/base/base.h"
#include "model/grammar/formats.h"
#include "model/grammar/numbers.h"
#include "model/grammar/regex.h"
#include "model/text/utf8.h"

namespace kinglet::grammar {

using system::Json;

size_t n_characters(std::string_view text) {
  size_t n = 0;
  for (size_t i = 0; i < text.size(); i += text::code_point_at(text, i).length) ++n;
  return n;
}

std::optional<uint32_t> count_of(const Json& schema, std::string_view keyword) {
  const Json* value = schema.find(keyword);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const double count = value->as_number(keyword);
  if (count < 0 || count != std::floor(count)) return std::nullopt;
  return static_cast<uint32_t>(std::min(count, 4e9));
}

bool Validator::accepts(const Json& schema, const Json& value) {
  failure_.clear();
  Evaluated evaluated;
  return check(schema, value, evaluated, "");
}

bool Validator::matches(const std::string& pattern, std::string_view text) {
  auto& set = patterns_[pattern];
  if (set == nullptr) set = std::make_unique<const Dfa>(texts_matching(pattern, Spelling::kText));
  return set->contains(text);
}

bool Validator::broken(const Json& schema, std::string_view keyword, const std::string& at) {
  failure_ = str(at.empty() ? "the value" : at, ": ", document_.pointer_of(schema), "/", keyword);
  return false;
}

bool Validator::check(const Json& schema, const Json& value, Evaluated& evaluated, const std::string& at) {
  if (schema.is_bool()) return schema.as_bool("schema") || broken(schema, "false", at);
  if (!schema.is_object()) {
    fail_with(ErrorCode::kInvalidArgument, "schema: ", document_.pointer_of(schema), ": is ", schema.kind(),
              ", expected an object or a boolean");
  }
  if (depth_ >= kMaxDepth)
    fail_with(ErrorCode::kInvalidArgument, "schema: nests deeper than ", kMaxDepth, " (limit of nesting)");
  ++depth_;
  bool accepts = false;
  try {
    accepts = check_keywords(schema, value, evaluated, at);
  } catch (...) {
    --depth_;
    throw;
  }
  --depth_;
  return accepts;
}

bool Validator::check_keywords(const Json& schema, const Json& value, Evaluated& outer, const std::string& at) {
  Evaluated evaluated;
  if (const Json* reference = schema.find("$ref"); reference != nullptr && reference->is_string()) {
    if (!check(document_.resolve(schema, reference->as_string("$ref")), value, evaluated, at)) return false;
    if (document_.draft() <= Draft::k7) return true;
  }
  for (const std::string_view word : {"$dynamicRef", "$recursiveRef"}) {
    if (schema.find(word) != nullptr) {
      fail_with(ErrorCode::kUnsupported, "schema: ", document_.pointer_of(schema), "/", word, " is not supported");
    }
  }
  if (const Json* type = schema.find("type"); type != nullptr && !check_type(*type, value))
    return broken(schema, "type", at);
  if (const Json* constant = schema.find("const"); constant != nullptr && document_.draft() > Draft::k4) {
    if (!equal_values(*constant, value)) return broken(schema, "const", at);
  }
  if (const Json* list = schema.find("enum"); list != nullptr && list->is_array()) {
    const auto& values = list->as_array("enum");
    if (std::none_of(values.begin(), values.end(), [&](const Json& v) { return equal_values(v, value); }))
      return broken(schema, "enum", at);
  }
  if (value.is_number() && !check_number(schema, value, at)) return false;
  if (value.is_string() && !check_string(schema, value, at)) return false;
  if (value.is_array() && !check_array(schema, value, evaluated, at)) return false;
  if (value.is_object() && !check_object(schema, value, evaluated, at)) return false;
  if (!check_branches(schema, value, evaluated, at)) return false;
  if (!check_unevaluated(schema, value, evaluated, at)) return false;
  outer.add(evaluated);
  return true;
}

bool Validator::check_type(const Json& type, const Json& value) const {
  if (type.is_array()) {
    const auto& list = type.as_array("type");
    return std::any_of(list.begin(), list.end(), [&](const Json& one) {
      if (!one.is_string()) {
        Validator inner(document_, checks_formats_);
        Evaluated evaluated;
        return inner.check(one, value, evaluated, "");
      }
      return check_type(one, value);
    });
  }
  if (!type.is_string()) return false;
  const std::string& name = type.as_string("type");
  if (name == "null") return value.is_null();
  if (name == "boolean") return value.is_bool();
  if (name == "number") return value.is_number();
  if (name == "integer") {
    return value.is_integer() || (document_.draft() > Draft::k4 && value.is_number() &&
                                  std::floor(value.as_number("value")) == value.as_number("value"));
  }
  if (name == "string") return value.is_string();
  if (name == "array") return value.is_array();
  if (name == "object") return value.is_object();
  return name == "any";
}

bool Validator::check_number(const Json& schema, const Json& value, const std::string& at) {
  const Json* keywords[] = {schema.find("minimum"), schema.find("maximum"), schema.find("exclusiveMinimum"),
                            schema.find("exclusiveMaximum"), schema.find("multipleOf")};
  if (std::all_of(std::begin(keywords), std::end(keywords), [](const Json* k) { return k == nullptr; })) return true;
  const std::string decimal = plain_decimal(value);
  const auto order = [&](const Json* bound) { return compare_decimals(decimal, plain_decimal(*bound)); };
  const auto [least, most, above, below, divisor] =
      std::tuple(keywords[0], keywords[1], keywords[2], keywords[3], keywords[4]);
  const auto is_true = [](const Json* k) { return k != nullptr && k->is_bool() && k->as_bool("keyword"); };
  if (least != nullptr && least->is_number() && (is_true(above) ? order(least) <= 0 : order(least) < 0))
    return broken(schema, "minimum", at);
  if (most != nullptr && most->is_number() && (is_true(below) ? order(most) >= 0 : order(most) > 0))
    return broken(schema, "maximum", at);
  if (above != nullptr && above->is_number() && order(above) <= 0) return broken(schema, "exclusiveMinimum", at);
  if (below != nullptr && below->is_number() && order(below) >= 0) return broken(schema, "exclusiveMaximum", at);
  if (divisor != nullptr && divisor->is_number()) {
    auto& set = patterns_[str("\n", plain_decimal(*divisor))];
    if (set == nullptr) set = std::make_unique<const Dfa>(multiples_of(plain_decimal(*divisor)));
    if (!set->contains(decimal)) return broken(schema, "multipleOf", at);
  }
  return true;
}

bool Validator::check_string(const Json& schema, const Json& value, const std::string& at) {
  const std::string& text = value.as_string("value");
  if (const auto least = count_of(schema, "minLength"); least && n_characters(text) < *least)
    return broken(schema, "minLength", at);
  if (const auto most = count_of(schema, "maxLength"); most && n_characters(text) > *most)
    return broken(schema, "maxLength", at);
  if (const Json* pattern = schema.find("pattern"); pattern != nullptr && pattern->is_string()) {
    if (!matches(pattern->as_string("pattern"), text)) return broken(schema, "pattern", at);
  }
  if (const Json* format = schema.find("format"); checks_formats_ && format != nullptr && format->is_string()) {
    const Dfa* set = texts_of_format(format->as_string("format"), Spelling::kText);
    if (set != nullptr && !set->contains(text)) return broken(schema, "format", at);
  }
  return true;
}

bool Validator::check_array(const Json& schema, const Json& value, Evaluated& evaluated, const std::string& at) {
  const auto& list = value.as_array("value");
  if (const auto least = count_of(schema, "minItems"); least && list.size() < *least)
    return broken(schema, "minItems", at);
  if (const auto most = count_of(schema, "maxItems"); most && list.size() > *most)
    return broken(schema, "maxItems", at);
  if (const Json* unique = schema.find("uniqueItems"); unique != nullptr && unique->is_bool() && unique->as_bool("u")) {
    for (size_t i = 0; i < list.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (equal_values(list[i], list[j])) return broken(schema, "uniqueItems", at);
      }
    }
  }
  const auto check_item = [&](const Json& item_schema, size_t i) {
    Evaluated inner;
    evaluated.items.insert(i);
    return check(item_schema, list[i], inner, str(at, "/", i));
  };
  const Json* items = schema.find("items");
  const Json* prefix = schema.find("prefixItems");
  const Json* rest = items;
  if (items != nullptr && items->is_array()) {
    prefix = items;
    rest = schema.find("additionalItems");
  }
  size_t n_prefix = 0;
  if (prefix != nullptr && prefix->is_array()) {
    const auto& schemas = prefix->as_array("prefixItems");
    n_prefix = schemas.size();
    for (size_t i = 0; i < std::min(schemas.size(), list.size()); ++i) {
      if (!check_item(schemas[i], i)) return false;
    }
  }
  for (size_t i = n_prefix; rest != nullptr && i < list.size(); ++i) {
    if (!check_item(*rest, i)) return false;
  }
  if (const Json* contains = schema.find("contains"); contains != nullptr && document_.draft() > Draft::k4) {
    size_t n = 0;
    for (size_t i = 0; i < list.size(); ++i) {
      Evaluated inner;
      if (!check(*contains, list[i], inner, at)) continue;
      ++n;
      if (document_.draft() == Draft::k2020) evaluated.items.insert(i);
    }
    const bool has_counts = document_.draft() >= Draft::k2019;
    const auto least = has_counts ? count_of(schema, "minContains") : std::nullopt;
    const auto most = has_counts ? count_of(schema, "maxContains") : std::nullopt;
    if (n < least.value_or(1)) return broken(schema, "contains", at);
    if (most && n > *most) return broken(schema, "maxContains", at);
  }
  return true;
}

bool Validator::check_object(const Json& schema, const Json& value, Evaluated& evaluated, const std::string& at) {
  const auto& members = value.as_object("value");
  if (const auto least = count_of(schema, "minProperties")) {
    // Of a name that is written twice readers keep one.
    const auto n = std::count_if(members.begin(), members.end(),
                                 [&](const auto& member) { return value.find(member.first) == &member.second; });
    if (static_cast<size_t>(n) < *least) return broken(schema, "minProperties", at);
  }
  if (const auto most = count_of(schema, "maxProperties"); most && members.size() > *most)
    return broken(schema, "maxProperties", at);
  if (const Json* required = schema.find("required"); required != nullptr && required->is_array()) {
    for (const Json& name : required->as_array("required")) {
      if (name.is_string() && value.find(name.as_string("name")) == nullptr) return broken(schema, "required", at);
    }
  }
  const Json* names = schema.find("properties");
  const Json* patterns = schema.find("patternProperties");
  const Json* rest = schema.find("additionalProperties");
  const Json* keys = document_.draft() > Draft::k4 ? schema.find("propertyNames") : nullptr;
  for (const auto& [name, member] : members) {
    const std::string inner_at = str(at, "/", name);
    bool is_met = false;
    const auto check_member = [&](const Json& member_schema) {
      Evaluated inner;
      is_met = true;
      evaluated.names.insert(name);
      return check(member_schema, member, inner, inner_at);
    };
    if (const Json* own = names == nullptr ? nullptr : names->find(name); own != nullptr && !check_member(*own))
      return false;
    if (patterns != nullptr && patterns->is_object()) {
      for (const auto& [pattern, pattern_schema] : patterns->as_object("patternProperties")) {
        if (matches(pattern, name) && !check_member(pattern_schema)) return false;
      }
    }
    if (!is_met && rest != nullptr && !check_member(*rest)) return false;
    if (Evaluated inner; keys != nullptr && !check(*keys, Json(name), inner, inner_at)) return false;
  }
  for (const std::string_view word : {"dependentRequired", "dependentSchemas", "dependencies"}) {
    const Json* dependencies = schema.find(word);
    if (dependencies == nullptr || !dependencies->is_object()) continue;
    for (const auto& [name, needed] : dependencies->as_object(word)) {
      if (value.find(name) == nullptr) continue;
      if (needed.is_array()) {
        for (const Json& other : needed.as_array(word)) {
          if (other.is_string() && value.find(other.as_string(word)) == nullptr) return broken(schema, word, at);
        }
      } else if (needed.is_string()) {
        if (value.find(needed.as_string(word)) == nullptr) return broken(schema, word, at);
      } else if (!check(needed, value, evaluated, at)) {
        return false;
      }
    }
  }
  return true;
}

bool Validator::check_branches(const Json& schema, const Json& value, Evaluated& evaluated, const std::string& at) {
  const auto branches = [&](std::string_view word) {
    const Json* list = schema.find(word);
    return list != nullptr && list->is_array() ? &list->as_array(word) : nullptr;
  };
  if (const auto* all = branches("allOf")) {
    for (const Json& branch : *all) {
      if (!check(branch, value, evaluated, at)) return false;
    }
  }
  const auto n_accepting = [&](const system::JsonArray& list) {
    size_t n = 0;
    for (const Json& branch : list) {
      Evaluated inner;
      if (!check(branch, value, inner, at)) continue;
      ++n;
      evaluated.add(inner);
    }
    return n;
  };
  if (const auto* any = branches("anyOf"); any != nullptr && n_accepting(*any) == 0) return broken(schema, "anyOf", at);
  if (const auto* one = branches("oneOf"); one != nullptr && n_accepting(*one) != 1) return broken(schema, "oneOf", at);
  if (const Json* negated = schema.find("not")) {
    if (Evaluated inner; check(*negated, value, inner, at)) return broken(schema, "not", at);
  }
  if (const Json* condition = schema.find("if"); condition != nullptr && document_.draft() >= Draft::k7) {
    Evaluated inner;
    const bool holds = check(*condition, value, inner, at);
    if (holds) evaluated.add(inner);
    const Json* next = schema.find(holds ? "then" : "else");
    if (next != nullptr && !check(*next, value, evaluated, at)) return false;
  }
  return true;
}

bool Validator::check_unevaluated(const Json& schema, const Json& value, Evaluated& evaluated, const std::string& at) {
  if (document_.draft() < Draft::k2019) return true;
  if (const Json* rest = schema.find("unevaluatedProperties"); rest != nullptr && value.is_object()) {
    for (const auto& [name, member] : value.as_object("value")) {
      if (evaluated.names.contains(name)) continue;
      evaluated.names.insert(name);
      if (Evaluated inner; !check(*rest, member, inner, str(at, "/", name))) return false;
    }
  }
  if (const Json* rest = schema.find("unevaluatedItems"); rest != nullptr && value.is_array()) {
    const auto& list = value.as_array("value");
    for (size_t i = 0; i < list.size(); ++i) {
      if (evaluated.items.contains(i)) continue;
      evaluated.items.insert(i);
      if (Evaluated inner; !check(*rest, list[i], inner, str(at, "/", i))) return false;
    }
  }
  return true;
}

}  // namespace kinglet::grammar
