#include "core/quant/iq2_s.h"

#include "core/quant/block_rows.h"
#include "core/quant/codebooks.h"
#include "core/quant/float16.h"

namespace kinglet::quant {

SuperCodes unpacked(const BlockIQ2S& block) noexcept {
  SuperCodes super;
  super.d = f16_to_f32(block.d) * 0.125F;
  for (size_t g = 0; g < 16; ++g) {
    super.scales[g] = static_cast<int8_t>(2 * ((block.scales[g / 2] >> (4 * (g % 2))) & 15) + 1);
  }
  for (size_t i = 0; i < 32; ++i) {
    const unsigned high = (block.high[i / 4] >> (2 * (i % 4))) & 3U;
    signed_codes(kGridIQ2S[block.low[i] | (high << 8U)], block.signs[i], super.codes + i * 8);
  }
  return super;
}

Format iq2_s() noexcept {
  return {"IQ2_S",
          22,
          256,
          sizeof(BlockIQ2S),
          Activation::kQ8K,
          decode_blocks<BlockIQ2S, 256, decode_super_codes<BlockIQ2S>>,
          nullptr};
}

}  // namespace kinglet::quant
