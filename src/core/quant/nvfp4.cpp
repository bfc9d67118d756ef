#include "core/quant/nvfp4.h"

#include "core/quant/block_rows.h"
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

}  // namespace

Format nvfp4() noexcept {
  return {"NVFP4", 40, 64, sizeof(BlockNVFP4), Activation::kQ8, decode_blocks<BlockNVFP4, 64, decode>, nullptr};
}

}  // namespace kinglet::quant
