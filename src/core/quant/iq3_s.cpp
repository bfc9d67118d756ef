#include "core/quant/iq3_s.h"

#include "core/quant/block_rows.h"
#include "core/quant/codebooks.h"
#include "core/quant/float16.h"

namespace kinglet::quant {

SuperCodes unpacked(const BlockIQ3S& block) noexcept {
  SuperCodes super;
  super.d = f16_to_f32(block.d);
  for (size_t g = 0; g < 16; ++g) {
    super.scales[g] = static_cast<int8_t>(2 * ((block.scales[g / 4] >> (4 * (g / 2 % 2))) & 15) + 1);
  }
  for (size_t i = 0; i < 64; ++i) {
    const unsigned high = (block.high[i / 8] >> (i % 8)) & 1U;
    const unsigned signs = block.signs[i / 2] >> (4 * (i % 2));
    signed_codes(kGridIQ3S[block.low[i] | (high << 8U)], signs, super.codes + i * 4);
  }
  return super;
}

Format iq3_s() noexcept {
  return {"IQ3_S",
          21,
          256,
          sizeof(BlockIQ3S),
          Activation::kQ8K,
          decode_blocks<BlockIQ3S, 256, decode_super_codes<BlockIQ3S>>,
          nullptr};
}

}  // namespace kinglet::quant
