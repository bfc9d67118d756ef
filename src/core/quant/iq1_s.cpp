#include "core/quant/iq1_s.h"

#include "core/quant/block_rows.h"
#include "core/quant/codebooks.h"
#include "core/quant/float16.h"

namespace kinglet::quant {

SuperCodes unpacked(const BlockIQ1S& block) noexcept {
  SuperCodes super;
  super.d = f16_to_f32(block.d) * 0.125F;
  for (size_t g = 0; g < 8; ++g) {
    const unsigned high = block.high[g];
    super.scales[2 * g] = super.scales[2 * g + 1] = static_cast<int8_t>(2 * ((high >> 12U) & 7U) + 1);
    for (size_t i = 0; i < 4; ++i) {
      const unsigned point = block.low[g * 4 + i] | (((high >> (3 * i)) & 7U) << 8U);
      moved_codes(kGridIQ1[point], (high & 0x8000U) != 0, super.codes + g * 32 + i * 8);
    }
  }
  return super;
}

Format iq1_s() noexcept {
  return {"IQ1_S",
          19,
          256,
          sizeof(BlockIQ1S),
          Activation::kQ8K,
          decode_blocks<BlockIQ1S, 256, decode_super_codes<BlockIQ1S>>,
          nullptr};
}

}  // namespace kinglet::quant
