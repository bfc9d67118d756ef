// Blocks of the quantized caches, encoded as core/quant does, for float and double rows.
#pragma once

#include "core/quant/float16.h"
#include "core/quant/q4_0.h"
#include "core/quant/q8_0.h"

namespace kinglet::kernels {
namespace {

template <class Real>
float peak_of(const Real* x) noexcept {
  float peak = 0.0F;
  for (int i = 0; i < 32; ++i) {
    const auto value = static_cast<float>(x[i]);
    if ((value < 0 ? -value : value) > (peak < 0 ? -peak : peak)) peak = value;
  }
  return peak;
}

template <class Real>
void encode_q8_0(const Real* x, quant::BlockQ8_0& block) noexcept {
  const float peak = peak_of(x);
  const float d = (peak < 0 ? -peak : peak) / 127.0F;
  const float inverse = d != 0.0F ? 1.0F / d : 0.0F;
  block.d = quant::f32_to_f16(d);
  for (int i = 0; i < 32; ++i) {
    const float scaled = static_cast<float>(x[i]) * inverse;
    block.codes[i] = static_cast<int8_t>(scaled + (scaled < 0 ? -0.5F : 0.5F));  // half away from zero
  }
}

template <class Real>
void encode_q4_0(const Real* x, quant::BlockQ4_0& block) noexcept {
  const float d = peak_of(x) / -8.0F;
  const float inverse = d != 0.0F ? 1.0F / d : 0.0F;
  block.d = quant::f32_to_f16(d);
  const auto code_of = [&](Real value) {
    const auto code = static_cast<int>(static_cast<float>(value) * inverse + 8.5F);
    return code > 15 ? 15 : code;
  };
  for (int i = 0; i < 16; ++i) block.codes[i] = static_cast<uint8_t>(code_of(x[i]) | (code_of(x[i + 16]) << 4));
}

}  // namespace
}  // namespace kinglet::kernels
