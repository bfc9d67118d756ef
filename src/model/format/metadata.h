// Keys and typed values of a model file, in the words of GGUF; a Hugging Face folder fills the same keys.
//
// A value is read through `get<T>` and `require<T>`, which check its type and range and name the file and the key where
// they do not fit. Values of a GGUF file are views of it; what is set from elsewhere is owned here.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/base.h"

namespace kinglet::format {

/// Value types of GGUF, with their numbers in the file.
enum class ValueType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};
std::string_view name_of(ValueType type) noexcept;
/// Bytes of one value in the file; 0 for strings, arrays and unknown types.
size_t size_of(ValueType type) noexcept;

/// The value type of a C++ type.
template <class T>
constexpr ValueType value_type_of() {
  if constexpr (std::same_as<T, bool>)
    return ValueType::kBool;
  else if constexpr (std::same_as<T, float>)
    return ValueType::kF32;
  else if constexpr (std::same_as<T, double>)
    return ValueType::kF64;
  else if constexpr (std::unsigned_integral<T>) {
    return sizeof(T) == 1   ? ValueType::kU8
           : sizeof(T) == 2 ? ValueType::kU16
           : sizeof(T) == 4 ? ValueType::kU32
                            : ValueType::kU64;
  } else {
    static_assert(std::signed_integral<T>);
    return sizeof(T) == 1   ? ValueType::kI8
           : sizeof(T) == 2 ? ValueType::kI16
           : sizeof(T) == 4 ? ValueType::kI32
                            : ValueType::kI64;
  }
}

/// An array as it lies in the file: numbers in place (maybe unaligned), or strings, each behind its u64 length. Opening
/// a file walks over the strings once and marks every kMarkStep-th, so that a large vocabulary costs little memory. A
/// view: the file (or the Metadata that owns it) outlives it.
struct Array {
  static constexpr uint64_t kMarkStep = 16;

  ValueType element = ValueType::kU32;
  uint64_t size = 0;
  std::span<const std::byte>
      bytes;                    ///< Of numbers: size elements. Of strings: length and characters, one after another.
  std::vector<uint64_t> marks;  ///< Of strings: where the length of string i * kMarkStep stands in `bytes`.

  /// String i of a string array; i < size. In order, for_each_string is cheaper.
  [[nodiscard]] std::string_view string(uint64_t i) const;
  /// Element i of a number array, as f64 or i64; i < size, the element is a number type (a bool is 0 or 1).
  [[nodiscard]] double number(uint64_t i) const;
  [[nodiscard]] int64_t integer(uint64_t i) const;

  /// Calls use(string_view) for each string in order.
  template <class Use>
  void for_each_string(const Use& use) const {
    for (uint64_t i = 0, at = 0; i < size; ++i) use(next_string(at));
  }

 private:
  /// The string whose length stands at `at`, which moves behind it.
  std::string_view next_string(uint64_t& at) const;
};

/// A value: integers keep their type's name, all of them are held as (u)int64.
struct MetaValue {
  ValueType type = ValueType::kU32;
  std::variant<uint64_t, int64_t, double, bool, std::string_view, Array> data;
};

/// "u32 5", "string llama", "array of 3 u32": a value for messages; long ones are cut.
std::string describe(const MetaValue& value);

/// Keys in the order of the file.
class Metadata {
 public:
  /// `name` of the file, for messages.
  explicit Metadata(std::string name) : name_(std::move(name)) {}
  Metadata(Metadata&&) = default;
  Metadata& operator=(Metadata&&) = default;

  /// Adds a key whose name and value are views of something that outlives this. False where the key is there already.
  bool add_view(std::string_view key, MetaValue value);
  /// Adds a key, keeping a copy of its name; the value may be a view. False where the key is there already.
  bool add(std::string key, MetaValue value) { return add_view(own(std::move(key)), std::move(value)); }

  /// Adds or replaces a key, keeping copies of name and value.
  template <class T>
    requires std::is_arithmetic_v<T>
  void set(std::string_view key, T value) {
    constexpr ValueType kType = value_type_of<T>();
    if constexpr (std::same_as<T, bool>)
      put(key, {kType, value});
    else if constexpr (std::floating_point<T>)
      put(key, {kType, static_cast<double>(value)});
    else if constexpr (std::unsigned_integral<T>)
      put(key, {kType, uint64_t{value}});
    else
      put(key, {kType, int64_t{value}});
  }
  void set(std::string_view key, std::string_view value) { put(key, {ValueType::kString, own(std::string(value))}); }
  void set(std::string_view key, const char* value) { set(key, std::string_view(value)); }
  template <class T>
    requires std::is_arithmetic_v<T>
  void set_array(std::string_view key, std::span<const T> values) {
    put_bytes(key, value_type_of<T>(), values.size(), std::as_bytes(values));
  }
  void set_truths(std::string_view key, const std::vector<bool>& values);
  void set_strings(std::string_view key, std::span<const std::string_view> values);

  /// Takes a key away, where it is there.
  void remove(std::string_view key);

  [[nodiscard]] const MetaValue* find(std::string_view key) const noexcept;
  [[nodiscard]] const std::vector<std::pair<std::string_view, MetaValue>>& entries() const noexcept { return entries_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// The value as T (bool, an integral or floating type, std::string_view); nullopt where the key is absent.
  /// Throws Error{kInvalidFile} "NAME: KEY is TYPE VALUE, expected ..." for another type or a number that does not fit
  /// T.
  template <class T>
  [[nodiscard]] std::optional<T> get(std::string_view key) const {
    const MetaValue* value = find(key);
    if (value == nullptr) return std::nullopt;
    if constexpr (std::same_as<T, bool>) {
      return as_bool(key, *value);
    } else if constexpr (std::integral<T>) {
      if constexpr (std::unsigned_integral<T>) {
        const auto* wide = std::get_if<uint64_t>(&value->data);
        if (wide != nullptr && std::in_range<T>(*wide)) return static_cast<T>(*wide);
      }
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

  /// Null where the key is absent. Throws Error{kInvalidFile} where it is no array.
  [[nodiscard]] const Array* array(std::string_view key) const;
  /// As array, of strings. Throws Error{kInvalidFile} where it is an array of something else.
  [[nodiscard]] const Array* string_array(std::string_view key) const;
  /// As array, of numbers. Throws Error{kInvalidFile} where it is an array of strings.
  [[nodiscard]] const Array* number_array(std::string_view key) const;

  /// Raises Error{kInvalidFile} "NAME: KEY WHY".
  [[noreturn]] void refuse(std::string_view key, std::string_view why) const;

 private:
  std::string_view own(std::string text);
  void put(std::string_view key, MetaValue value);
  void put_bytes(std::string_view key, ValueType element, uint64_t size, std::span<const std::byte> bytes);

  [[nodiscard]] bool as_bool(std::string_view key, const MetaValue& value) const;
  [[nodiscard]] int64_t as_integer(std::string_view key, const MetaValue& value) const;
  [[nodiscard]] double as_number(std::string_view key, const MetaValue& value) const;
  [[nodiscard]] std::string_view as_string(std::string_view key, const MetaValue& value) const;

  std::string name_;
  std::vector<std::pair<std::string_view, MetaValue>> entries_;
  std::map<std::string_view, size_t> by_key_;  // ordered: no hash that a hostile file could make collide
  std::deque<std::string> owned_;              // addresses stay as it grows
};

}  // namespace kinglet::format
