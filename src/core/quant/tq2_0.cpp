#include "core/quant/tq2_0.h"

#include <algorithm>
#include <cmath>

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"

namespace kinglet::quant {

SuperCodes unpacked(const BlockTQ2_0& block) noexcept {
  SuperCodes super;
  super.d = f16_to_f32(block.d);
  std::fill_n(super.scales, 16, int8_t{1});
  for (size_t i = 0; i < 256; ++i) {
    const int code = (block.codes[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2)) & 3;
    super.codes[i] = static_cast<int8_t>(code - 1);
  }
  return super;
}

float ternary_codes(const float* x, int8_t* codes) noexcept {
  const float d = std::abs(signed_peak(x, 256));
  const float inverse = inverse_of(d);
  for (size_t i = 0; i < 256; ++i) codes[i] = static_cast<int8_t>(std::lround(x[i] * inverse));
  return d;
}

namespace {

// Every peak has the magnitude of the scale, as the field has it: weights that are ternary come back as they were.
void encode(const float* x, const float* /*importance*/, BlockTQ2_0& block) noexcept {
  block = {};
  int8_t codes[256];
  block.d = f32_to_f16(ternary_codes(x, codes));
  for (size_t i = 0; i < 256; ++i) {
    uint8_t& byte = block.codes[i / 128 * 32 + i % 32];
    byte = static_cast<uint8_t>(byte | ((codes[i] + 1) << (i % 128 / 32 * 2)));
  }
}

}  // namespace

Format tq2_0() noexcept {
  return {"TQ2_0",
          35,
          256,
          sizeof(BlockTQ2_0),
          Activation::kQ8K,
          decode_blocks<BlockTQ2_0, 256, decode_super_codes<BlockTQ2_0>>,
          encode_blocks<BlockTQ2_0, 256, encode>};
}

}  // namespace kinglet::quant
