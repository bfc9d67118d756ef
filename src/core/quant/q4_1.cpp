#include "core/quant/q4_1.h"

#include <algorithm>
#include <span>

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"

namespace kinglet::quant {
namespace {

void decode(const BlockQ4_1& block, float* y) noexcept {
  const float d = f16_to_f32(block.d);
  const float m = f16_to_f32(block.m);
  for (size_t i = 0; i < 16; ++i) {
    y[i] = static_cast<float>(block.codes[i] & 15) * d + m;
    y[i + 16] = static_cast<float>(block.codes[i] >> 4) * d + m;
  }
}

void encode(const float* x, const float* /*importance*/, BlockQ4_1& block) noexcept {
  const auto [low, high] = std::ranges::minmax(std::span(x, 32));
  const float d = (high - low) / 15.0F;
  const float inverse = inverse_of(d);
  block.d = f32_to_f16(d);
  block.m = f32_to_f16(low);
  const auto code_of = [&](float value) { return static_cast<uint8_t>(whole((value - low) * inverse + 0.5F, 15)); };
  for (size_t i = 0; i < 16; ++i) block.codes[i] = static_cast<uint8_t>(code_of(x[i]) | (code_of(x[i + 16]) << 4));
}

}  // namespace

Format q4_1() noexcept {
  return {"Q4_1",
          3,
          32,
          sizeof(BlockQ4_1),
          Activation::kQ8,
          decode_blocks<BlockQ4_1, 32, decode>,
          encode_blocks<BlockQ4_1, 32, encode>};
}

}  // namespace kinglet::quant
