#include "model/format/metadata.h"

#include <cstring>
#include <limits>

namespace kinglet::format {
namespace {

template <class T>
T load(std::span<const std::byte> bytes, uint64_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

// Calls use(value of element i) with the element's own type.
template <class Use>
auto with_element(const Array& array, uint64_t i, const Use& use) {
  switch (array.element) {
    case ValueType::kU8: return use(load<uint8_t>(array.bytes, i));
    case ValueType::kI8: return use(load<int8_t>(array.bytes, i));
    case ValueType::kU16: return use(load<uint16_t>(array.bytes, i));
    case ValueType::kI16: return use(load<int16_t>(array.bytes, i));
    case ValueType::kU32: return use(load<uint32_t>(array.bytes, i));
    case ValueType::kI32: return use(load<int32_t>(array.bytes, i));
    case ValueType::kF32: return use(load<float>(array.bytes, i));
    case ValueType::kBool: return use(load<uint8_t>(array.bytes, i));
    case ValueType::kU64: return use(load<uint64_t>(array.bytes, i));
    case ValueType::kI64: return use(load<int64_t>(array.bytes, i));
    case ValueType::kF64: return use(load<double>(array.bytes, i));
    case ValueType::kString:
    case ValueType::kArray: break;
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

std::string_view Array::string(uint64_t i) const {
  const uint64_t at = string_offsets[i];
  uint64_t length = 0;
  std::memcpy(&length, bytes.data() + at, sizeof(length));
  return {reinterpret_cast<const char*>(bytes.data() + at + sizeof(length)), static_cast<size_t>(length)};
}

double Array::number(uint64_t i) const {
  return with_element(*this, i, [](auto value) { return static_cast<double>(value); });
}

int64_t Array::integer(uint64_t i) const {
  return with_element(*this, i, [](auto value) { return static_cast<int64_t>(value); });
}

bool Metadata::add(std::string key, MetaValue value) {
  if (!by_key_.emplace(key, entries_.size()).second) return false;
  entries_.emplace_back(std::move(key), std::move(value));
  return true;
}

const MetaValue* Metadata::find(std::string_view key) const noexcept {
  const auto place = by_key_.find(std::string(key));
  return place == by_key_.end() ? nullptr : &entries_[place->second].second;
}

const Array* Metadata::array(std::string_view key) const {
  const MetaValue* value = find(key);
  if (value == nullptr) return nullptr;
  const Array* array = std::get_if<Array>(&value->data);
  if (array == nullptr) refuse(key, str("is ", name_of(value->type), ", expected an array"));
  return array;
}

void Metadata::refuse(std::string_view key, std::string_view why) const {
  fail_with(ErrorCode::kInvalidFile, name_, ": ", key, " ", why);
}

bool Metadata::as_bool(std::string_view key, const MetaValue& value) const {
  if (const bool* truth = std::get_if<bool>(&value.data)) return *truth;
  refuse(key, str("is ", name_of(value.type), ", expected a bool"));
}

int64_t Metadata::as_integer(std::string_view key, const MetaValue& value) const {
  if (const int64_t* number = std::get_if<int64_t>(&value.data)) return *number;
  if (const uint64_t* number = std::get_if<uint64_t>(&value.data)) {
    if (*number <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return static_cast<int64_t>(*number);
    refuse(key, str("value ", *number, " is out of range"));
  }
  refuse(key, str("is ", name_of(value.type), ", expected an integer"));
}

double Metadata::as_number(std::string_view key, const MetaValue& value) const {
  if (const double* number = std::get_if<double>(&value.data)) return *number;
  if (const int64_t* number = std::get_if<int64_t>(&value.data)) return static_cast<double>(*number);
  if (const uint64_t* number = std::get_if<uint64_t>(&value.data)) return static_cast<double>(*number);
  refuse(key, str("is ", name_of(value.type), ", expected a number"));
}

std::string_view Metadata::as_string(std::string_view key, const MetaValue& value) const {
  if (const auto* text = std::get_if<std::string_view>(&value.data)) return *text;
  refuse(key, str("is ", name_of(value.type), ", expected a string"));
}

}  // namespace kinglet::format
