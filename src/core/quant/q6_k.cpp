#include "core/quant/q6_k.h"

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"
#include "core/quant/k_encode.inl.h"

namespace kinglet::quant {
namespace {

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

}  // namespace

Format q6_k() noexcept {
  return {"Q6_K",
          14,
          256,
          sizeof(BlockQ6K),
          Activation::kQ8K,
          decode_blocks<BlockQ6K, 256, decode>,
          encode_blocks<BlockQ6K, 256, encode_k<Lanes<16>>>};
}

}  // namespace kinglet::quant
