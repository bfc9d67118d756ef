// Writes keys and values into a page, laid out as KeyView says; blocks of the quantized caches are encoded as
// core/quant does, for float and double rows.
#pragma once

#include "core/kernels/real.h"
#include "core/quant/float16.h"
#include "core/quant/q4_0.h"
#include "core/quant/q8_0.h"

namespace kinglet::kernels {
namespace {

template <class Real>
float peak_of(const Real* x) noexcept {
  auto peak = static_cast<float>(x[0]);
  for (int i = 0; i < 32; ++i) {
    const auto value = static_cast<float>(x[i]);
    if ((value < 0 ? -value : value) > (peak < 0 ? -peak : peak)) peak = value;
  }
  return peak;
}

// As core/quant has it: 0 where 1 / d is not finite.
inline float inverse_of(float d) noexcept {
  const float inverse = 1.0F / d;
  return inverse < __builtin_inff() && inverse > -__builtin_inff() ? inverse : 0.0F;
}

template <class Real>
void encode_q8_0(const Real* x, quant::BlockQ8_0& block) noexcept {
  const float peak = peak_of(x);
  const float d = (peak < 0 ? -peak : peak) / 127.0F;
  const float inverse = inverse_of(d);
  block.d = quant::f32_to_f16(d);
  for (int i = 0; i < 32; ++i) {
    const float scaled = static_cast<float>(x[i]) * inverse;
    const float rounded = scaled + (scaled < 0 ? -0.5F : 0.5F);  // half away from zero, once it is cut
    block.codes[i] = rounded > -128.0F && rounded < 128.0F ? static_cast<int8_t>(rounded) : int8_t{0};  // NaN gives 0
  }
}

template <class Real>
void encode_q4_0(const Real* x, quant::BlockQ4_0& block) noexcept {
  const float d = peak_of(x) / -8.0F;
  const float inverse = inverse_of(d);
  block.d = quant::f32_to_f16(d);
  const auto code_of = [&](Real value) {
    const float code = static_cast<float>(value) * inverse + 8.5F;
    if (!(code > 0.0F)) return 0;  // NaN gives 0
    return code < 15.0F ? static_cast<int>(code) : 15;
  };
  for (int i = 0; i < 16; ++i) block.codes[i] = static_cast<uint8_t>(code_of(x[i]) | (code_of(x[i + 16]) << 4));
}

template <class V>
void halves_of(const typename V::Real* x, uint16_t* y, size_t n) noexcept {
  size_t i = 0;
  for (; i + 16 <= n; i += 16) V::load(x + i).store_f16(y + i);
  for (; i < n; ++i) y[i] = quant::f32_to_f16(static_cast<float>(x[i]));
}

// A key goes to its slot of every line [element][slots].
template <class V>
void store_key(KvType type, const typename V::Real* x, std::byte* head, size_t slot, size_t D) noexcept {
  using Real = typename V::Real;
  switch (type) {
    case KvType::kF32:
      for (size_t d = 0; d < D; ++d) reinterpret_cast<Real*>(head)[d * kPageTokens + slot] = x[d];
      return;
    case KvType::kF16: {
      auto* lines = reinterpret_cast<uint16_t*>(head) + slot;
      for (size_t at = 0; at < D; at += 16) {
        const size_t n = D - at < 16 ? D - at : 16;
        uint16_t halves[16];
        halves_of<V>(x + at, halves, n);
        for (size_t i = 0; i < n; ++i) lines[(at + i) * kPageTokens] = halves[i];
      }
      return;
    }
    case KvType::kQ8_0:
      for (size_t b = 0; b < D / 32; ++b) {
        quant::BlockQ8_0 block;
        encode_q8_0(x + b * 32, block);
        auto* lines = reinterpret_cast<int8_t*>(head) + b * 32 * kPageTokens + slot;
        for (size_t i = 0; i < 32; ++i) lines[i * kPageTokens] = block.codes[i];
        reinterpret_cast<uint16_t*>(head + D * kPageTokens)[b * kPageTokens + slot] = block.d;
      }
      return;
    case KvType::kQ4_0:
      for (size_t b = 0; b < D / 32; ++b) {
        quant::BlockQ4_0 block;
        encode_q4_0(x + b * 32, block);
        auto* lines = reinterpret_cast<uint8_t*>(head) + b * 16 * kPageTokens + slot;
        for (size_t i = 0; i < 16; ++i) lines[i * kPageTokens] = block.codes[i];
        reinterpret_cast<uint16_t*>(head + D / 2 * kPageTokens)[b * kPageTokens + slot] = block.d;
      }
      return;
  }
}

template <class V>
void store_value(KvType type, const typename V::Real* x, std::byte* head, size_t slot, size_t D) noexcept {
  using Real = typename V::Real;
  std::byte* value = head + slot * (type == KvType::kF32 ? D * sizeof(Real) : kv_bytes(type, D));
  switch (type) {
    case KvType::kF32:
      for (size_t d = 0; d < D; ++d) reinterpret_cast<Real*>(value)[d] = x[d];
      return;
    case KvType::kF16:
      halves_of<V>(x, reinterpret_cast<uint16_t*>(value), D);
      return;
    case KvType::kQ8_0:
      for (size_t b = 0; b < D / 32; ++b) encode_q8_0(x + b * 32, reinterpret_cast<quant::BlockQ8_0*>(value)[b]);
      return;
    case KvType::kQ4_0:
      for (size_t b = 0; b < D / 32; ++b) encode_q4_0(x + b * 32, reinterpret_cast<quant::BlockQ4_0*>(value)[b]);
      return;
  }
}

}  // namespace
}  // namespace kinglet::kernels
