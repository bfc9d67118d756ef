#include "core/quant/q2_k.h"

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"
#include "core/quant/scale_search.h"

namespace kinglet::quant {
namespace {

constexpr size_t kGroups = 16;
constexpr size_t kGroupLen = 16;

// Where the two bits of element i stand.
struct Place {
  size_t byte;
  unsigned shift;
};
Place place_of(size_t i) noexcept { return {i / 128 * 32 + i % 32, static_cast<unsigned>(i % 128 / 32 * 2)}; }

void decode(const BlockQ2K& block, float* y) noexcept {
  const float d = f16_to_f32(block.d);
  const float dmin = f16_to_f32(block.dmin);
  for (size_t i = 0; i < 256; ++i) {
    const uint8_t packed = block.scales[i / kGroupLen];
    const Place place = place_of(i);
    const auto code = static_cast<float>((block.codes[place.byte] >> place.shift) & 3);
    y[i] = d * static_cast<float>(packed & 15) * code - dmin * static_cast<float>(packed >> 4);
  }
}

void encode(const float* x, const float* importance, BlockQ2K& block) noexcept {
  block = {};
  GroupFit fits[kGroups];
  float weights[256];
  block_weights(x, importance, 256, kGroupLen, weights);
  for (size_t g = 0; g < kGroups; ++g) {
    fits[g] = fit_scale_and_minimum(x + g * kGroupLen, weights + g * kGroupLen, kGroupLen, 3);
  }
  const ScalesAndMinima packed = pack_scales_and_minima(fits, kGroups, 15);
  block.d = packed.d;
  block.dmin = packed.dmin;
  const float d = f16_to_f32(packed.d);
  const float dmin = f16_to_f32(packed.dmin);
  for (size_t g = 0; g < kGroups; ++g) {
    const GroupChoice choice = best_choice(x + g * kGroupLen, weights + g * kGroupLen, kGroupLen, 3,
                                           {d, dmin, packed.scales[g], packed.minima[g], 15});
    block.scales[g] = static_cast<uint8_t>(choice.scale | (choice.minimum << 4));
    for (size_t i = 0; i < kGroupLen; ++i) {
      const Place place = place_of(g * kGroupLen + i);
      block.codes[place.byte] = static_cast<uint8_t>(block.codes[place.byte] | (choice.codes[i] << place.shift));
    }
  }
}

}  // namespace

Format q2_k() noexcept {
  return {"Q2_K",
          10,
          256,
          sizeof(BlockQ2K),
          Activation::kQ8K,
          decode_blocks<BlockQ2K, 256, decode>,
          encode_blocks<BlockQ2K, 256, encode>};
}

}  // namespace kinglet::quant
