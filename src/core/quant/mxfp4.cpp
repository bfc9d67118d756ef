#include "core/quant/mxfp4.h"

#include "core/quant/block_rows.h"

namespace kinglet::quant {

namespace {

void decode(const BlockMXFP4& block, float* y) noexcept {
  const float d = half_power(block.exponent);
  for (size_t i = 0; i < 16; ++i) {
    y[i] = d * static_cast<float>(kValuesE2M1[block.codes[i] & 15]);
    y[i + 16] = d * static_cast<float>(kValuesE2M1[block.codes[i] >> 4]);
  }
}

}  // namespace

Format mxfp4() noexcept {
  return {"MXFP4", 39, 32, sizeof(BlockMXFP4), Activation::kQ8, decode_blocks<BlockMXFP4, 32, decode>, nullptr};
}

}  // namespace kinglet::quant
