#include "front/serve/fields.h"

#include <algorithm>
#include <cmath>

#include "home/store/near_names.h"

namespace kinglet::serve {
namespace {

// Values stand in messages, so they are kept short.
std::string shown(const Json& value) {
  constexpr size_t kLimit = 40;
  std::string text = value.is_object() || value.is_array() ? std::string(value.kind()) : value.dump();
  if (text.size() > kLimit) text = std::string(value.kind());
  return text;
}

std::string shown(double value) {
  const Json number =
      value == std::floor(value) && std::abs(value) < 1e15 ? Json(static_cast<int64_t>(value)) : Json(value);
  return number.dump();
}

[[noreturn]] void fail_field(const std::string& path, std::string message) {
  throw ApiError(400, str(path, ": ", message), path);
}

}  // namespace

void fail_kind(const std::string& path, const Json& value, std::string_view expected) {
  fail_field(path, str("is ", shown(value), ", expected ", expected));
}

void fail_missing(const std::string& path) { fail_field(path, "is missing"); }

void fail_unknown(const std::string& path, std::string_view name, const std::vector<FieldFacts>& known) {
  constexpr size_t kShown = 64;
  const std::string_view start = name.substr(0, kShown);
  const FieldFacts* nearest = nullptr;
  size_t best = 3;
  for (const FieldFacts& one : known) {
    const size_t far = store::distance(start, one.name);
    if (far < best) {
      best = far;
      nearest = &one;
    }
  }
  fail_field(path_of(path, start), nearest == nullptr
                                       ? std::string("is no field of this request")
                                       : str("is no field of this request; did you mean ", nearest->name, "?"));
}

void fail_refused(const std::string& path, const std::string& reason) { fail_field(path, reason); }

void check_range(const std::string& path, double value, double low, double high) {
  if (value >= low && value <= high) return;
  if (std::isinf(high)) fail_field(path, str("is ", shown(value), ", the least is ", shown(low)));
  fail_field(path, str("is ", shown(value), ", allowed are ", shown(low), " to ", shown(high)));
}

void check_length(const std::string& path, size_t length, size_t low, size_t high) {
  if (length >= low && length <= high) return;
  fail_field(path, str("has ", length, " elements, allowed are ", low, " to ", high));
}

void check_choice(const std::string& path, const std::string& value, const std::vector<std::string>& choices) {
  if (std::ranges::find(choices, value) != choices.end()) return;
  std::string list;
  for (const std::string& one : choices) list += str(list.empty() ? "" : ", ", one);
  fail_field(path, str("is ", shown(value), ", expected one of ", list));
}

Json object_schema(const std::vector<FieldFacts>& facts) {
  Json properties = JsonObject{};
  JsonArray required;
  for (const FieldFacts& one : facts) {
    Json schema = one.schema;
    const std::string doc = one.refusal.empty() ? one.doc : str("Refused: ", one.refusal);
    if (!doc.empty()) schema.set("description", doc);
    properties.set(one.name, std::move(schema));
    if (one.required) required.emplace_back(one.name);
  }
  Json made = JsonObject{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) made.set("required", std::move(required));
  made.set("additionalProperties", false);
  return made;
}

std::string path_of(const std::string& parent, std::string_view name) {
  return parent.empty() ? std::string(name) : str(parent, ".", name);
}

std::string Value<std::string>::read(const Json& value, const std::string& path) {
  if (!value.is_string()) fail_kind(path, value, "a string");
  return value.as_string(path);
}
Json Value<std::string>::schema() { return JsonObject{{"type", "string"}}; }

bool Value<bool>::read(const Json& value, const std::string& path) {
  if (!value.is_bool()) fail_kind(path, value, "true or false");
  return value.as_bool(path);
}
Json Value<bool>::schema() { return JsonObject{{"type", "boolean"}}; }

int64_t Value<int64_t>::read(const Json& value, const std::string& path) {
  // JSON has one kind of number: 5.0 is a whole one.
  constexpr double kLimit = 9007199254740992.0;  // 2^53: beyond it a double says no whole number exactly
  if (value.is_number() && !value.is_integer()) {
    const double number = value.as_number(path);
    if (number == std::floor(number) && std::abs(number) <= kLimit) return static_cast<int64_t>(number);
  }
  if (!value.is_integer() || value.holds_unsigned()) fail_kind(path, value, "a whole number");
  return value.as_integer(path);
}
Json Value<int64_t>::schema() { return JsonObject{{"type", "integer"}}; }

double Value<double>::read(const Json& value, const std::string& path) {
  if (!value.is_number()) fail_kind(path, value, "a number");
  const double number = value.as_number(path);
  if (!std::isfinite(number)) fail_kind(path, value, "a finite number");
  return number;
}
Json Value<double>::schema() { return JsonObject{{"type", "number"}}; }

Json Value<Json>::read(const Json& value, const std::string& /*path*/) { return value; }
Json Value<Json>::schema() { return JsonObject{}; }

Texts Value<Texts>::read(const Json& value, const std::string& path) {
  if (value.is_string()) return {{value.as_string(path)}};
  if (!value.is_array()) fail_kind(path, value, "a string or an array of strings");
  return {Value<std::vector<std::string>>::read(value, path)};
}
Json Value<Texts>::schema() {
  return JsonObject{{"anyOf", JsonArray{Value<std::string>::schema(), Value<std::vector<std::string>>::schema()}}};
}

}  // namespace kinglet::serve
