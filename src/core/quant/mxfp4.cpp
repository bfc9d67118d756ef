#include "core/quant/mxfp4.h"

#include <algorithm>
#include <cmath>

#include "core/quant/block_rows.h"
#include "core/quant/listed_fit.h"

namespace kinglet::quant {

namespace {

void decode(const BlockMXFP4& block, float* y) noexcept {
  const float d = half_power(block.exponent);
  for (size_t i = 0; i < 16; ++i) {
    y[i] = d * static_cast<float>(kValuesE2M1[block.codes[i] & 15]);
    y[i + 16] = d * static_cast<float>(kValuesE2M1[block.codes[i] >> 4]);
  }
}

// The power of two that lets the largest element be 4 to 6 of the list's, or a neighbour of it.
void encode(const float* x, const float* importance, BlockMXFP4& block) noexcept {
  block = {};
  const float peak = std::abs(signed_peak(x, 32));
  if (peak == 0.0F) return;
  float weights[32];
  fill_fit_weights(x, importance, 32, weights);
  const int middle = std::ilogb(peak) - 2 + 127;
  double least = HUGE_VAL;
  for (int exponent = std::clamp(middle - 1, 0, 252); exponent <= std::clamp(middle + 1, 0, 254); ++exponent) {
    uint8_t codes[32];
    const auto byte = static_cast<uint8_t>(exponent);
    const double error = listed_codes(x, weights, 32, kValuesE2M1, half_power(byte), codes);
    if (!(error < least)) continue;
    least = error;
    block.exponent = byte;
    pack_halves(codes, 16, block.codes);
  }
}

}  // namespace

Format mxfp4() noexcept {
  return {"MXFP4",
          39,
          32,
          sizeof(BlockMXFP4),
          Activation::kQ8,
          decode_blocks<BlockMXFP4, 32, decode>,
          encode_blocks<BlockMXFP4, 32, encode>};
}

}  // namespace kinglet::quant
