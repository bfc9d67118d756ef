#include "core/quant/nvfp4.h"

#include <algorithm>
#include <cmath>

#include "core/quant/block_rows.h"
#include "core/quant/listed_fit.h"
#include "core/quant/mxfp4.h"

namespace kinglet::quant {

namespace {

void decode(const BlockNVFP4& block, float* y) noexcept {
  for (size_t g = 0; g < 4; ++g) {
    const float d = e4m3_half(block.scales[g]);
    for (size_t i = 0; i < 8; ++i) {
      const unsigned byte = block.codes[g * 8 + i];
      y[g * 16 + i] = d * static_cast<float>(kValuesE2M1[byte & 15U]);
      y[g * 16 + 8 + i] = d * static_cast<float>(kValuesE2M1[byte >> 4U]);
    }
  }
}

// Scales near the one that maps the largest element to the largest of the list.
void encode(const float* x, const float* importance, BlockNVFP4& block) noexcept {
  block = {};
  float weights[64];
  fill_fit_weights(x, importance, 64, weights);
  for (size_t g = 0; g < 4; ++g) {
    const float* group = x + g * 16;
    const float want = std::abs(signed_peak(group, 16)) / 12.0F;
    int middle = 0;
    while (middle < 126 && e4m3_half(static_cast<uint8_t>(middle)) < want) ++middle;
    double least = HUGE_VAL;
    for (int scale = std::max(middle - 4, 0); scale <= std::min(middle + 4, 126); ++scale) {
      uint8_t codes[16];
      const auto byte = static_cast<uint8_t>(scale);
      const double error = listed_codes(group, weights + g * 16, 16, kValuesE2M1, e4m3_half(byte), codes);
      if (!(error < least)) continue;
      least = error;
      block.scales[g] = byte;
      pack_halves(codes, 8, block.codes + g * 8);
    }
  }
}

}  // namespace

Format nvfp4() noexcept {
  return {"NVFP4",
          40,
          64,
          sizeof(BlockNVFP4),
          Activation::kQ8,
          decode_blocks<BlockNVFP4, 64, decode>,
          encode_blocks<BlockNVFP4, 64, encode>};
}

}  // namespace kinglet::quant
