// Keys and typed values of a model file, in the words of GGUF; a Hugging Face folder fills the same keys.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "core/base/base.h"

namespace kinglet::format {

/// Value types of GGUF, with their numbers in the file.
enum class ValueType : uint32_t {
  kU8 = 0, kI8 = 1, kU16 = 2, kI16 = 3, kU32 = 4, kI32 = 5, kF32 = 6, kBool = 7, kString = 8, kArray = 9, kU64 = 10,
  kI64 = 11, kF64 = 12,
};
std::string_view name_of(ValueType type) noexcept;

/// An array as it lies in the file: numbers in place (maybe unaligned), or strings found through an index of offsets.
/// A view: the file (or whoever made it) outlives it.
struct Array {
  ValueType element = ValueType::kU32;
  uint64_t size = 0;
  std::span<const std::byte> bytes;        ///< Of numbers: size elements. Of strings: length-prefixed, one after another.
  std::vector<uint64_t> string_offsets;    ///< Of strings: where each one's length stands in `bytes`.

  [[nodiscard]] std::string_view string(uint64_t i) const;
  /// Element i of a number array, as f64 or i64. The element is a number type.
  [[nodiscard]] double number(uint64_t i) const;
  [[nodiscard]] int64_t integer(uint64_t i) const;
};

/// A value: integers keep their type's name, all of them are held as (u)int64.
struct MetaValue {
  ValueType type = ValueType::kU32;
  std::variant<uint64_t, int64_t, double, bool, std::string_view, Array> data;
};

/// Keys in the order of the file. Values are views of the file.
class Metadata {
 public:
  /// `name` of the file, for messages.
  explicit Metadata(std::string name) : name_(std::move(name)) {}

  /// False where the key is there already.
  bool add(std::string key, MetaValue value);

  [[nodiscard]] const MetaValue* find(std::string_view key) const noexcept;
  [[nodiscard]] const std::vector<std::pair<std::string, MetaValue>>& entries() const noexcept { return entries_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// The value as T (bool, an integral or floating type, std::string_view); nullopt where the key is absent.
  /// Throws Error{kInvalidFile} "NAME: KEY is TYPE VALUE, expected ..." for another type or a number that does not fit T.
  template <class T>
  [[nodiscard]] std::optional<T> get(std::string_view key) const {
    const MetaValue* value = find(key);
    if (value == nullptr) return std::nullopt;
    if constexpr (std::same_as<T, bool>) {
      return as_bool(key, *value);
    } else if constexpr (std::integral<T>) {
      const int64_t number = as_integer(key, *value);
      if (!std::in_range<T>(number)) refuse(key, str("value ", number, " is out of range"));
      return static_cast<T>(number);
    } else if constexpr (std::floating_point<T>) {
      return static_cast<T>(as_number(key, *value));
    } else {
      return as_string(key, *value);
    }
  }

  /// As get; Throws Error{kInvalidFile} where the key is absent.
  template <class T>
  [[nodiscard]] T require(std::string_view key) const {
    if (const auto value = get<T>(key)) return *value;
    refuse(key, "is missing");
  }

  /// Null where the key is absent; Throws Error{kInvalidFile} where it is no array of this element type.
  [[nodiscard]] const Array* array(std::string_view key) const;

  /// Raises Error{kInvalidFile} "NAME: KEY WHY".
  [[noreturn]] void refuse(std::string_view key, std::string_view why) const;

 private:
  [[nodiscard]] bool as_bool(std::string_view key, const MetaValue& value) const;
  [[nodiscard]] int64_t as_integer(std::string_view key, const MetaValue& value) const;
  [[nodiscard]] double as_number(std::string_view key, const MetaValue& value) const;
  [[nodiscard]] std::string_view as_string(std::string_view key, const MetaValue& value) const;

  std::string name_;
  std::vector<std::pair<std::string, MetaValue>> entries_;
  std::unordered_map<std::string, size_t> by_key_;
};

}  // namespace kinglet::format
