#include "core/quant/iq3_xxs.h"

#include "core/quant/block_rows.h"
#include "core/quant/codebooks.h"
#include "core/quant/float16.h"

namespace kinglet::quant {

SuperCodes unpacked(const BlockIQ3XXS& block) noexcept {
  SuperCodes super;
  super.d = f16_to_f32(block.d) * 0.25F;
  for (size_t g = 0; g < 8; ++g) {
    const uint32_t packed = block.words[2 * g] | (static_cast<uint32_t>(block.words[2 * g + 1]) << 16U);
    super.scales[2 * g] = super.scales[2 * g + 1] = static_cast<int8_t>(2 * (packed >> 28U) + 1);
    for (size_t i = 0; i < 8; ++i) {
      const unsigned signs = even_signs((packed >> (7 * (i / 2))) & 127U) >> (4 * (i % 2));
      signed_codes(kGridIQ3XXS[block.points[g * 8 + i]], signs, super.codes + g * 32 + i * 4);
    }
  }
  return super;
}

Format iq3_xxs() noexcept {
  return {"IQ3_XXS",
          18,
          256,
          sizeof(BlockIQ3XXS),
          Activation::kQ8K,
          decode_blocks<BlockIQ3XXS, 256, decode_super_codes<BlockIQ3XXS>>,
          nullptr};
}

}  // namespace kinglet::quant
