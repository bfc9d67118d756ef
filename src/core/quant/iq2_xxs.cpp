#include "core/quant/iq2_xxs.h"

#include "core/quant/block_rows.h"
#include "core/quant/codebooks.h"
#include "core/quant/float16.h"

namespace kinglet::quant {

SuperCodes unpacked(const BlockIQ2XXS& block) noexcept {
  SuperCodes super;
  super.d = f16_to_f32(block.d) * 0.125F;
  for (size_t g = 0; g < 8; ++g) {
    const uint16_t* words = block.words + g * 4;
    const uint32_t packed = words[2] | (static_cast<uint32_t>(words[3]) << 16U);
    super.scales[2 * g] = super.scales[2 * g + 1] = static_cast<int8_t>(2 * (packed >> 28U) + 1);
    for (size_t i = 0; i < 4; ++i) {
      const unsigned point = (words[i / 2] >> (8 * (i % 2))) & 255U;
      signed_codes(kGridIQ2XXS[point], even_signs((packed >> (7 * i)) & 127U), super.codes + g * 32 + i * 8);
    }
  }
  return super;
}

Format iq2_xxs() noexcept {
  return {"IQ2_XXS",
          16,
          256,
          sizeof(BlockIQ2XXS),
          Activation::kQ8K,
          decode_blocks<BlockIQ2XXS, 256, decode_super_codes<BlockIQ2XXS>>,
          nullptr};
}

}  // namespace kinglet::quant
