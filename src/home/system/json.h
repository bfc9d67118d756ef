// JSON values, read and written. The library behind it is not seen.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/base.h"

namespace kinglet::system {

class Json;
using JsonArray = std::vector<Json>;
/// Members in the order in which they were read or added.
using JsonObject = std::vector<std::pair<std::string, Json>>;

struct JsonLimits {
  size_t max_depth = 512;
};

/// A value. Numbers keep what they are: signed, unsigned (over 2^63) or floating.
class Json {
 public:
  Json() = default;
  Json(std::nullptr_t) {}                                    // NOLINT(google-explicit-constructor)
  Json(std::string_view text) : data_(std::string(text)) {}  // NOLINT(google-explicit-constructor)
  Json(const char* text) : data_(std::string(text)) {}       // NOLINT(google-explicit-constructor)
  Json(std::string text) : data_(std::move(text)) {}         // NOLINT(google-explicit-constructor)
  Json(JsonArray values) : data_(std::move(values)) {}       // NOLINT(google-explicit-constructor)
  Json(JsonObject members) : data_(std::move(members)) {}    // NOLINT(google-explicit-constructor)
  template <std::same_as<bool> T>
  Json(T truth) : data_(truth) {}  // NOLINT(google-explicit-constructor)
  template <std::floating_point T>
  Json(T number) : data_(static_cast<double>(number)) {}  // NOLINT(google-explicit-constructor)
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Json(T number) {  // NOLINT(google-explicit-constructor)
    if constexpr (std::is_signed_v<T>) {
      data_ = static_cast<int64_t>(number);
    } else if (static_cast<uint64_t>(number) <= static_cast<uint64_t>(INT64_MAX)) {
      data_ = static_cast<int64_t>(number);
    } else {
      data_ = static_cast<uint64_t>(number);
    }
  }

  /// Throws Error{kInvalidArgument} "NAME: line L, column C: ..." for text that is not one JSON value in UTF-8.
  static Json parse(std::string_view text, std::string_view name, const JsonLimits& limits = {});

  [[nodiscard]] bool is_null() const noexcept { return holds<std::monostate>(); }
  [[nodiscard]] bool is_bool() const noexcept { return holds<bool>(); }
  [[nodiscard]] bool is_integer() const noexcept { return holds<int64_t>() || holds<uint64_t>(); }
  [[nodiscard]] bool is_number() const noexcept { return is_integer() || holds<double>(); }
  [[nodiscard]] bool is_string() const noexcept { return holds<std::string>(); }
  [[nodiscard]] bool is_array() const noexcept { return holds<JsonArray>(); }
  [[nodiscard]] bool is_object() const noexcept { return holds<JsonObject>(); }

  /// The value as that kind. Throws Error{kInvalidArgument} "WHAT: is ..., expected ...".
  [[nodiscard]] bool as_bool(std::string_view what) const;
  [[nodiscard]] int64_t as_integer(std::string_view what) const;
  [[nodiscard]] double as_number(std::string_view what) const;
  [[nodiscard]] const std::string& as_string(std::string_view what) const;
  [[nodiscard]] const JsonArray& as_array(std::string_view what) const;
  [[nodiscard]] const JsonObject& as_object(std::string_view what) const;

  /// The member of an object; null where it is absent or this is no object. Of members named twice the last one counts.
  [[nodiscard]] const Json* find(std::string_view key) const noexcept;
  /// As find; Throws Error{kInvalidArgument} "KEY: is missing".
  [[nodiscard]] const Json& at(std::string_view key) const;

  /// Adds to an object (a null value becomes one), to an array likewise.
  Json& set(std::string key, Json value);
  Json& push(Json value);

  /// Compact; or indented by so many spaces.
  [[nodiscard]] std::string dump(int indent = -1) const;

  /// "null", "a number", ...: for messages.
  [[nodiscard]] std::string_view kind() const noexcept;

  [[nodiscard]] bool holds_unsigned() const noexcept { return holds<uint64_t>(); }
  [[nodiscard]] uint64_t unsigned_value() const { return std::get<uint64_t>(data_); }

 private:
  template <class T>
  [[nodiscard]] bool holds() const noexcept {
    return std::holds_alternative<T>(data_);
  }
  [[noreturn]] void wrong_kind(std::string_view what, std::string_view expected) const;

  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, JsonArray, JsonObject> data_;
};

/// A string as JSON writes it, with its quotes. Bytes that are not UTF-8 become U+FFFD.
std::string json_quoted(std::string_view text);

}  // namespace kinglet::system
