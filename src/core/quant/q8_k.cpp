#include "core/quant/q8_k.h"

#include <algorithm>
#include <cmath>

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"

namespace kinglet::quant {
namespace {

void decode(const BlockQ8K& block, float* y) noexcept {
  for (size_t i = 0; i < 256; ++i) y[i] = static_cast<float>(block.codes[i]) * block.d;
}

// The element of largest magnitude gets code -127.
void encode(const float* x, const float* /*importance*/, BlockQ8K& block) noexcept {
  float inverse = -127.0F / signed_peak(x, 256);
  if (!std::isfinite(inverse)) inverse = 0.0F;
  block.d = inverse != 0.0F ? 1.0F / inverse : 0.0F;
  for (size_t g = 0; g < 16; ++g) {
    int sum = 0;
    for (size_t i = g * 16; i < (g + 1) * 16; ++i) {
      block.codes[i] = static_cast<int8_t>(std::min(127.0F, std::nearbyint(inverse * x[i])));
      sum += block.codes[i];
    }
    block.sums[g] = static_cast<int16_t>(sum);
  }
}

}  // namespace

Format q8_k() noexcept {
  return {"Q8_K",
          15,
          256,
          sizeof(BlockQ8K),
          Activation::kNone,
          decode_blocks<BlockQ8K, 256, decode>,
          encode_blocks<BlockQ8K, 256, encode>};
}

}  // namespace kinglet::quant
