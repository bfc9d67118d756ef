#include "core/quant/q5_1.h"

#include <algorithm>
#include <span>

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"

namespace kinglet::quant {
namespace {

// The fifth bit of element i.
uint32_t high_bits(const uint8_t* high) noexcept {
  uint32_t bits;
  memcpy(&bits, high, sizeof(bits));
  return bits;
}

void decode(const BlockQ5_1& block, float* y) noexcept {
  const float d = f16_to_f32(block.d);
  const float m = f16_to_f32(block.m);
  const uint32_t high = high_bits(block.high);
  for (size_t i = 0; i < 16; ++i) {
    const uint32_t low_code = (block.codes[i] & 15U) | (((high >> i) & 1U) << 4U);
    const uint32_t high_code = (block.codes[i] >> 4U) | (((high >> (i + 16)) & 1U) << 4U);
    y[i] = static_cast<float>(low_code) * d + m;
    y[i + 16] = static_cast<float>(high_code) * d + m;
  }
}

void encode(const float* x, const float* /*importance*/, BlockQ5_1& block) noexcept {
  const auto [low, top] = std::ranges::minmax(std::span(x, 32));
  const float d = (top - low) / 31.0F;
  const float inverse = inverse_of(d);
  block.d = f32_to_f16(d);
  block.m = f32_to_f16(low);
  const auto code_of = [&](float value) { return static_cast<uint32_t>(whole((value - low) * inverse + 0.5F, 31)); };
  uint32_t high = 0;
  for (size_t i = 0; i < 16; ++i) {
    const uint32_t low_code = code_of(x[i]);
    const uint32_t high_code = code_of(x[i + 16]);
    block.codes[i] = static_cast<uint8_t>((low_code & 15U) | ((high_code & 15U) << 4U));
    high |= (low_code >> 4U) << i | (high_code >> 4U) << (i + 16);
  }
  memcpy(block.high, &high, sizeof(high));
}

}  // namespace

Format q5_1() noexcept {
  return {"Q5_1",
          7,
          32,
          sizeof(BlockQ5_1),
          Activation::kQ8,
          decode_blocks<BlockQ5_1, 32, decode>,
          encode_blocks<BlockQ5_1, 32, encode>};
}

}  // namespace kinglet::quant
