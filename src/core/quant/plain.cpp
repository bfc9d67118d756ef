#include "core/quant/plain.h"

#include <cstring>

#include "core/quant/float16.h"

namespace kinglet::quant {
namespace {

template <class T>
T load(const std::byte* bytes, size_t i) noexcept {
  T value;
  std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
  return value;
}

template <class T>
void store(std::byte* bytes, size_t i, T value) noexcept {
  std::memcpy(bytes + i * sizeof(T), &value, sizeof(T));
}

template <class T>
void decode_number(const std::byte* bytes, float* y, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) y[i] = static_cast<float>(load<T>(bytes, i));
}

template <float (*to_f32)(uint16_t) noexcept>
void decode_half(const std::byte* bytes, float* y, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) y[i] = to_f32(load<uint16_t>(bytes, i));
}

template <uint16_t (*from_f32)(float) noexcept>
void encode_half(const float* x, const float* /*importance*/, std::byte* bytes, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i) store(bytes, i, from_f32(x[i]));
}

void encode_f32(const float* x, const float* /*importance*/, std::byte* bytes, size_t n) noexcept {
  std::memcpy(bytes, x, n * sizeof(float));
}

template <class T>
Format number(std::string_view name, uint32_t gguf_id) noexcept {
  return {name, gguf_id, 1, sizeof(T), Activation::kNone, decode_number<T>, nullptr};
}

}  // namespace

Format f32() noexcept { return {"F32", 0, 1, 4, Activation::kF32, decode_number<float>, encode_f32}; }
Format f16() noexcept { return {"F16", 1, 1, 2, Activation::kF32, decode_half<f16_to_f32>, encode_half<f32_to_f16>}; }
Format bf16() noexcept {
  return {"BF16", 30, 1, 2, Activation::kF32, decode_half<bf16_to_f32>, encode_half<f32_to_bf16>};
}
Format f64() noexcept { return number<double>("F64", 28); }
Format i8() noexcept { return number<int8_t>("I8", 24); }
Format i16() noexcept { return number<int16_t>("I16", 25); }
Format i32() noexcept { return number<int32_t>("I32", 26); }
Format i64() noexcept { return number<int64_t>("I64", 27); }

}  // namespace kinglet::quant
