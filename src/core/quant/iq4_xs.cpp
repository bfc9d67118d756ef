#include "core/quant/iq4_xs.h"

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"
#include "core/quant/iq4_nl.h"

namespace kinglet::quant {

SuperCodes unpacked(const BlockIQ4XS& block) noexcept {
  SuperCodes super;
  super.d = f16_to_f32(block.d);
  for (size_t g = 0; g < 8; ++g) {
    const int low = (block.scales_low[g / 2] >> (4 * (g % 2))) & 15;
    const int high = (block.scales_high >> (2 * g)) & 3;
    super.scales[2 * g] = super.scales[2 * g + 1] = static_cast<int8_t>((low | (high << 4)) - 32);
    for (size_t i = 0; i < 16; ++i) {
      const unsigned byte = block.codes[g * 16 + i];
      super.codes[g * 32 + i] = kValuesIQ4[byte & 15U];
      super.codes[g * 32 + 16 + i] = kValuesIQ4[byte >> 4U];
    }
  }
  return super;
}

Format iq4_xs() noexcept {
  return {"IQ4_XS",
          23,
          256,
          sizeof(BlockIQ4XS),
          Activation::kQ8K,
          decode_blocks<BlockIQ4XS, 256, decode_super_codes<BlockIQ4XS>>,
          nullptr};
}

}  // namespace kinglet::quant
