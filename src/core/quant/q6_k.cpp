#include "core/quant/q6_k.h"

#include <algorithm>

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"
#include "core/quant/scale_search.h"

namespace kinglet::quant {
namespace {

constexpr size_t kGroups = 16;
constexpr size_t kGroupLen = 16;

// Where the bits of element i stand: a nibble of low[byte], two bits of high[high_byte].
struct Place {
  size_t byte;
  unsigned shift;
  size_t high_byte;
  unsigned high_shift;
};
Place place_of(size_t i) noexcept {
  const size_t half = i / 128;
  const size_t in_half = i % 128;
  return {half * 64 + in_half % 64, static_cast<unsigned>(in_half / 64 * 4), half * 32 + in_half % 32,
          static_cast<unsigned>(in_half / 32 * 2)};
}

void decode(const BlockQ6K& block, float* y) noexcept {
  const float d = f16_to_f32(block.d);
  for (size_t i = 0; i < 256; ++i) {
    const Place place = place_of(i);
    const int low = (block.low[place.byte] >> place.shift) & 15;
    const int high = (block.high[place.high_byte] >> place.high_shift) & 3;
    const int8_t scale = block.scales[i / kGroupLen];
    y[i] = d * static_cast<float>(scale) * static_cast<float>((low | (high << 4)) - 32);
  }
}

void encode(const float* x, const float* importance, BlockQ6K& block) noexcept {
  block = {};
  float weights[256];
  float scales[kGroups];
  block_weights(x, importance, 256, kGroupLen, weights);
  for (size_t g = 0; g < kGroups; ++g) {
    scales[g] = fit_symmetric_scale(x + g * kGroupLen, weights + g * kGroupLen, kGroupLen, 32);
  }
  const SymmetricChoice choice = pack_symmetric_scales(x, weights, scales, kGroups, kGroupLen, 32, 128);
  block.d = choice.d;
  std::copy_n(choice.scales, kGroups, block.scales);
  for (size_t i = 0; i < 256; ++i) {
    const Place place = place_of(i);
    const auto code = static_cast<unsigned>(choice.codes[i] + 32);
    block.low[place.byte] = static_cast<uint8_t>(block.low[place.byte] | ((code & 15U) << place.shift));
    block.high[place.high_byte] =
        static_cast<uint8_t>(block.high[place.high_byte] | ((code >> 4U) << place.high_shift));
  }
}

}  // namespace

Format q6_k() noexcept {
  return {"Q6_K",
          14,
          256,
          sizeof(BlockQ6K),
          Activation::kQ8K,
          decode_blocks<BlockQ6K, 256, decode>,
          encode_blocks<BlockQ6K, 256, encode>};
}

}  // namespace kinglet::quant
