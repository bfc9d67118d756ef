// Small files for tests and for the seeds of fuzz targets, made by the writers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/format/gguf.h"
#include "model/format/safetensors.h"

namespace kinglet::format::samples {

using Bytes = std::vector<std::byte>;

/// Bytes that repeat every `period`, for tensor data.
inline Bytes pattern(size_t n, size_t period = 251) {
  Bytes bytes(n);
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>(i % period);
  return bytes;
}

inline Bytes written(const GgufWriter& writer, uint32_t alignment = 32) {
  Bytes bytes;
  writer.write([&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); },
               alignment);
  return bytes;
}

inline Bytes written(const SafetensorsWriter& writer) {
  Bytes bytes;
  writer.write([&](std::span<const std::byte> piece) { bytes.insert(bytes.end(), piece.begin(), piece.end()); });
  return bytes;
}

/// A key of every value type and array type.
inline void add_all_types(GgufWriter& writer) {
  writer.add_number("t.u8", ValueType::kU8, uint8_t{200});
  writer.add_number("t.i8", ValueType::kI8, int8_t{-100});
  writer.add_number("t.u16", ValueType::kU16, uint16_t{60000});
  writer.add_number("t.i16", ValueType::kI16, int16_t{-30000});
  writer.add_u32("t.u32", 4000000000U);
  writer.add_i32("t.i32", -2000000000);
  writer.add_f32("t.f32", 0.1F);
  writer.add_bool("t.bool", true);
  writer.add_string("t.string", "a string");
  writer.add_u64("t.u64", std::numeric_limits<uint64_t>::max());
  writer.add_number("t.i64", ValueType::kI64, std::numeric_limits<int64_t>::min());
  writer.add_f64("t.f64", 0.1);
  const std::array<uint8_t, 3> bytes{1, 0, 1};
  const std::array<int16_t, 2> shorts{-1, 2};
  const std::array<uint32_t, 3> words{7, 8, 9};
  const std::array<float, 2> floats{1.5F, -2.5F};
  const std::array<double, 2> doubles{0.25, 1e300};
  const std::array<int64_t, 2> longs{-5, 5};
  writer.add_array("a.u8", ValueType::kU8, std::span<const uint8_t>(bytes));
  writer.add_array("a.bool", ValueType::kBool, std::span<const uint8_t>(bytes));
  writer.add_array("a.i16", ValueType::kI16, std::span<const int16_t>(shorts));
  writer.add_array("a.u32", ValueType::kU32, std::span<const uint32_t>(words));
  writer.add_array("a.f32", ValueType::kF32, std::span<const float>(floats));
  writer.add_array("a.f64", ValueType::kF64, std::span<const double>(doubles));
  writer.add_array("a.i64", ValueType::kI64, std::span<const int64_t>(longs));
  const std::array<std::string_view, 4> words_of_text{"one", "", "three", "vier"};
  writer.add_strings("a.string", words_of_text);
}

inline const quant::Format& format(std::string_view name) { return *quant::find_by_name(name); }

/// All value types and four tensors: F32 [3, 5], Q8_0 [2, 32], F16 [7], BF16 of four dimensions.
inline Bytes small_gguf(uint32_t alignment = 32) {
  GgufWriter writer;
  writer.add_string("general.architecture", "llama");
  add_all_types(writer);
  static const Bytes data = pattern(256);
  const std::span<const std::byte> all(data);
  writer.add_tensor("token_embd.weight", format("F32"), std::array<uint64_t, 2>{5, 3}, all.first(60));
  writer.add_tensor("blk.0.attn_q.weight", format("Q8_0"), std::array<uint64_t, 2>{32, 2}, all.first(68));
  writer.add_tensor("blk.0.attn_norm.weight", format("F16"), std::array<uint64_t, 1>{7}, all.first(14));
  writer.add_tensor("blk.0.experts", format("BF16"), std::array<uint64_t, 4>{2, 3, 2, 2}, all.first(48));
  return written(writer, alignment);
}

/// Two notes and tensors of several dtypes, a scalar and an empty one among them.
inline Bytes small_safetensors() {
  SafetensorsWriter writer;
  writer.add_note("format", "pt");
  writer.add_note("made_by", "a test");
  static const Bytes data = pattern(256);
  const std::span<const std::byte> all(data);
  writer.add_tensor("model.embed_tokens.weight", "F32", {3, 4}, all.first(48));
  writer.add_tensor("half", "F16", {3}, all.first(6));
  writer.add_tensor("brain", "BF16", {2, 1, 2}, all.first(8));
  writer.add_tensor("long", "I64", {1, 2}, all.first(16));
  writer.add_tensor("flag", "BOOL", {5}, all.first(5));
  writer.add_tensor("scalar", "F64", {}, all.first(8));
  writer.add_tensor("empty", "F32", {0, 7}, all.first(0));
  return written(writer);
}

}  // namespace kinglet::format::samples
