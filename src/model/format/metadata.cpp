#include "model/format/metadata.h"

#include <iterator>
#include <limits>

#include "model/format/printable.h"

namespace kinglet::format {
namespace {

template <class T>
T load(std::span<const std::byte> bytes, uint64_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

// Calls use(value of element i) with the element's own type.
template <class Use>
auto with_element(const Array& array, uint64_t i, const Use& use) {
  KINGLET_CHECK(i < array.size, "an array's element is inside the array");
  const uint64_t at = i * size_of(array.element);
  switch (array.element) {
    case ValueType::kU8:
      return use(load<uint8_t>(array.bytes, at));
    case ValueType::kI8:
      return use(load<int8_t>(array.bytes, at));
    case ValueType::kU16:
      return use(load<uint16_t>(array.bytes, at));
    case ValueType::kI16:
      return use(load<int16_t>(array.bytes, at));
    case ValueType::kU32:
      return use(load<uint32_t>(array.bytes, at));
    case ValueType::kI32:
      return use(load<int32_t>(array.bytes, at));
    case ValueType::kF32:
      return use(load<float>(array.bytes, at));
    case ValueType::kBool:
      return use(load<uint8_t>(array.bytes, at));
    case ValueType::kU64:
      return use(load<uint64_t>(array.bytes, at));
    case ValueType::kI64:
      return use(load<int64_t>(array.bytes, at));
    case ValueType::kF64:
      return use(load<double>(array.bytes, at));
    case ValueType::kString:
    case ValueType::kArray:
      break;
  }
  KINGLET_CHECK(false, "a number of an array that holds none");
  return use(uint8_t{0});
}

}  // namespace

std::string_view name_of(ValueType type) noexcept {
  constexpr std::string_view kNames[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                         "bool", "string", "array", "u64", "i64", "f64"};
  const auto i = static_cast<size_t>(type);
  return i < std::size(kNames) ? kNames[i] : "unknown type";
}

size_t size_of(ValueType type) noexcept {
  constexpr uint8_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  const auto i = static_cast<size_t>(type);
  return i < std::size(kSizes) ? kSizes[i] : 0;
}

std::string_view Array::next_string(uint64_t& at) const {
  const auto length = load<uint64_t>(bytes, at);
  at += sizeof(length);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data() + at), static_cast<size_t>(length));
  at += length;
  return text;
}

std::string_view Array::string(uint64_t i) const {
  KINGLET_CHECK(element == ValueType::kString && i < size, "a string is inside its array");
  uint64_t at = marks[i / kMarkStep];
  for (uint64_t skipped = 0; skipped < i % kMarkStep; ++skipped) next_string(at);
  return next_string(at);
}

double Array::number(uint64_t i) const {
  return with_element(*this, i, [](auto value) { return static_cast<double>(value); });
}

int64_t Array::integer(uint64_t i) const {
  return with_element(*this, i, [](auto value) {
    if constexpr (std::floating_point<decltype(value)>) {
      // Out of range (or not a number) has no integer: 0, as the caller asked for one where none can be.
      return value > -0x1p63 && value < 0x1p63 ? static_cast<int64_t>(value) : int64_t{0};
    } else {
      return static_cast<int64_t>(value);
    }
  });
}

std::string describe(const MetaValue& value) {
  return std::visit(
      [&](const auto& data) {
        using Data = std::decay_t<decltype(data)>;
        if constexpr (std::same_as<Data, Array>) {
          return str("array of ", data.size, " ", name_of(data.element));
        } else if constexpr (std::same_as<Data, std::string_view>) {
          return str(name_of(value.type), " ", printable(data));
        } else if constexpr (std::same_as<Data, double>) {
          return str(name_of(value.type), " ",
                     value.type == ValueType::kF32 ? printable(static_cast<float>(data)) : str(data));
        } else {
          return str(name_of(value.type), " ", data);
        }
      },
      value.data);
}

bool Metadata::add_view(std::string_view key, MetaValue value) {
  if (!by_key_.emplace(key, entries_.size()).second) return false;
  entries_.emplace_back(key, std::move(value));
  return true;
}

std::string_view Metadata::own(std::string text) { return owned_.emplace_back(std::move(text)); }

void Metadata::put(std::string_view key, MetaValue value) {
  if (const auto place = by_key_.find(key); place != by_key_.end()) {
    entries_[place->second].second = std::move(value);
  } else {
    add(std::string(key), std::move(value));
  }
}

void Metadata::put_bytes(std::string_view key, ValueType element, uint64_t size, std::span<const std::byte> bytes) {
  Array array;
  array.element = element;
  array.size = size;
  const std::string_view kept = own(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  array.bytes = std::as_bytes(std::span<const char>(kept.data(), kept.size()));
  put(key, {ValueType::kArray, std::move(array)});
}

void Metadata::remove(std::string_view key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  const size_t place = found->second;
  by_key_.erase(found);
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(place));
  for (auto& [name, other] : by_key_) other -= other > place ? 1 : 0;
}

void Metadata::set_truths(std::string_view key, const std::vector<bool>& values) {
  std::vector<std::byte> bytes;
  for (const bool value : values) bytes.push_back(std::byte{value});
  put_bytes(key, ValueType::kBool, values.size(), bytes);
}

void Metadata::set_strings(std::string_view key, std::span<const std::string_view> values) {
  Array array;
  array.element = ValueType::kString;
  array.size = values.size();
  std::string bytes;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i % Array::kMarkStep == 0) array.marks.push_back(bytes.size());
    const uint64_t length = values[i].size();
    bytes.append(reinterpret_cast<const char*>(&length), sizeof(length)).append(values[i]);
  }
  const std::string_view kept = own(std::move(bytes));
  array.bytes = std::as_bytes(std::span<const char>(kept.data(), kept.size()));
  put(key, {ValueType::kArray, std::move(array)});
}

const MetaValue* Metadata::find(std::string_view key) const noexcept {
  const auto place = by_key_.find(key);
  return place == by_key_.end() ? nullptr : &entries_[place->second].second;
}

const Array* Metadata::array(std::string_view key) const {
  const MetaValue* value = find(key);
  if (value == nullptr) return nullptr;
  const Array* array = std::get_if<Array>(&value->data);
  if (array == nullptr) refuse(key, str("is ", describe(*value), ", expected an array"));
  return array;
}

const Array* Metadata::string_array(std::string_view key) const {
  const Array* found = array(key);
  if (found != nullptr && found->element != ValueType::kString) {
    refuse(key, str("is an array of ", name_of(found->element), ", expected an array of strings"));
  }
  return found;
}

const Array* Metadata::number_array(std::string_view key) const {
  const Array* found = array(key);
  if (found != nullptr && found->element == ValueType::kString) {
    refuse(key, "is an array of strings, expected an array of numbers");
  }
  return found;
}

void Metadata::refuse(std::string_view key, std::string_view why) const {
  fail_with(ErrorCode::kInvalidFile, name_, ": ", printable(key), " ", why);
}

bool Metadata::as_bool(std::string_view key, const MetaValue& value) const {
  if (const bool* truth = std::get_if<bool>(&value.data)) return *truth;
  refuse(key, str("is ", describe(value), ", expected a bool"));
}

int64_t Metadata::as_integer(std::string_view key, const MetaValue& value) const {
  if (const int64_t* number = std::get_if<int64_t>(&value.data)) return *number;
  if (const uint64_t* number = std::get_if<uint64_t>(&value.data)) {
    if (*number <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return static_cast<int64_t>(*number);
    refuse(key, str("value ", *number, " is out of range"));
  }
  refuse(key, str("is ", describe(value), ", expected an integer"));
}

double Metadata::as_number(std::string_view key, const MetaValue& value) const {
  if (const double* number = std::get_if<double>(&value.data)) return *number;
  if (const int64_t* number = std::get_if<int64_t>(&value.data)) return static_cast<double>(*number);
  if (const uint64_t* number = std::get_if<uint64_t>(&value.data)) return static_cast<double>(*number);
  refuse(key, str("is ", describe(value), ", expected a number"));
}

std::string_view Metadata::as_string(std::string_view key, const MetaValue& value) const {
  if (const auto* text = std::get_if<std::string_view>(&value.data)) return *text;
  refuse(key, str("is ", describe(value), ", expected a string"));
}

}  // namespace kinglet::format
