#include "core/quant/iq1_m.h"

#include "core/quant/block_rows.h"
#include "core/quant/codebooks.h"
#include "core/quant/float16.h"

namespace kinglet::quant {

SuperCodes unpacked(const BlockIQ1M& block) noexcept {
  SuperCodes super;
  unsigned d = 0;
  for (size_t q = 0; q < 4; ++q) d |= static_cast<unsigned>(block.scales[q]) >> 12U << (4 * q);
  super.d = f16_to_f32(static_cast<uint16_t>(d)) * 0.125F;
  for (size_t g = 0; g < 16; ++g) {
    super.scales[g] = static_cast<int8_t>(2 * ((block.scales[g / 4] >> (3 * (g % 4))) & 7) + 1);
  }
  for (size_t i = 0; i < 32; ++i) {
    const unsigned high = block.high[i / 2] >> (4 * (i % 2));
    moved_codes(kGridIQ1[block.low[i] | ((high & 7U) << 8U)], (high & 8U) != 0, super.codes + i * 8);
  }
  return super;
}

Format iq1_m() noexcept {
  return {"IQ1_M",
          29,
          256,
          sizeof(BlockIQ1M),
          Activation::kQ8K,
          decode_blocks<BlockIQ1M, 256, decode_super_codes<BlockIQ1M>>,
          nullptr};
}

}  // namespace kinglet::quant
