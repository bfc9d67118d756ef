#include "core/quant/iq2_xs.h"

#include "core/quant/block_rows.h"
#include "core/quant/codebooks.h"
#include "core/quant/float16.h"

namespace kinglet::quant {

SuperCodes unpacked(const BlockIQ2XS& block) noexcept {
  SuperCodes super;
  super.d = f16_to_f32(block.d) * 0.125F;
  for (size_t g = 0; g < 16; ++g) {
    super.scales[g] = static_cast<int8_t>(2 * ((block.scales[g / 2] >> (4 * (g % 2))) & 15) + 1);
  }
  for (size_t i = 0; i < 32; ++i) {
    const unsigned word = block.words[i];
    signed_codes(kGridIQ2XS[word & 511U], even_signs(word >> 9U), super.codes + i * 8);
  }
  return super;
}

Format iq2_xs() noexcept {
  return {"IQ2_XS",
          17,
          256,
          sizeof(BlockIQ2XS),
          Activation::kQ8K,
          decode_blocks<BlockIQ2XS, 256, decode_super_codes<BlockIQ2XS>>,
          nullptr};
}

}  // namespace kinglet::quant
