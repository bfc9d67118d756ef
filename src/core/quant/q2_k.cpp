#include "core/quant/q2_k.h"

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"
#include "core/quant/k_encode.inl.h"

namespace kinglet::quant {
namespace {

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

}  // namespace

Format q2_k() noexcept {
  return {"Q2_K",
          10,
          256,
          sizeof(BlockQ2K),
          Activation::kQ8K,
          decode_blocks<BlockQ2K, 256, decode>,
          encode_blocks<BlockQ2K, 256, encode_k<Lanes<16>>>};
}

}  // namespace kinglet::quant
