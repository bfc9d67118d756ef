// A super-block without minima as small integers: what decoding and products of the IQ and TQ formats share.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kinglet::quant {

/// value[i] = d scales[i / 16] codes[i]. The products are exact in f32, so the order of factors moves no bit.
struct SuperCodes {
  int8_t codes[256];
  int8_t scales[16];
  float d;
};

/// decode of a Format whose block has `SuperCodes unpacked(const Block&)`.
template <class Block>
void decode_super_codes(const Block& block, float* y) noexcept {
  const SuperCodes super = unpacked(block);
  for (size_t group = 0; group < 16; ++group) {
    const float scale = super.d * static_cast<float>(super.scales[group]);
    for (size_t i = 16 * group; i < 16 * group + 16; ++i) y[i] = scale * static_cast<float>(super.codes[i]);
  }
}

}  // namespace kinglet::quant
