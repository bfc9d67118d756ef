#include "core/quant/iq4_nl.h"

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"

namespace kinglet::quant {

namespace {

void decode(const BlockIQ4NL& block, float* y) noexcept {
  const float d = f16_to_f32(block.d);
  for (size_t i = 0; i < 16; ++i) {
    y[i] = d * static_cast<float>(kValuesIQ4[block.codes[i] & 15]);
    y[i + 16] = d * static_cast<float>(kValuesIQ4[block.codes[i] >> 4]);
  }
}

}  // namespace

Format iq4_nl() noexcept {
  return {"IQ4_NL", 20, 32, sizeof(BlockIQ4NL), Activation::kQ8, decode_blocks<BlockIQ4NL, 32, decode>, nullptr};
}

}  // namespace kinglet::quant
