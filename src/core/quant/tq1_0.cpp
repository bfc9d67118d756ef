#include "core/quant/tq1_0.h"

#include <algorithm>

#include "core/quant/block_rows.h"
#include "core/quant/float16.h"
#include "core/quant/tq2_0.h"

namespace kinglet::quant {

namespace {

struct Place {
  size_t byte;  // of the block
  size_t digit;
};
Place place_of(size_t i) noexcept {
  if (i < 160) return {i % 32, i / 32};
  if (i < 240) return {32 + (i - 160) % 16, (i - 160) / 16};
  return {48 + (i - 240) % 4, (i - 240) / 4};
}

constexpr unsigned kPowers[5] = {1, 3, 9, 27, 81};

}  // namespace

SuperCodes unpacked(const BlockTQ1_0& block) noexcept {
  SuperCodes super;
  super.d = f16_to_f32(block.d);
  std::fill_n(super.scales, 16, int8_t{1});
  for (size_t i = 0; i < 256; ++i) {
    const Place place = place_of(i);
    const unsigned byte = place.byte < 48 ? block.fives[place.byte] : block.fours[place.byte - 48];
    const unsigned digit = ((byte * kPowers[place.digit]) & 255U) * 3U >> 8U;
    super.codes[i] = static_cast<int8_t>(static_cast<int>(digit) - 1);
  }
  return super;
}

namespace {

void encode(const float* x, const float* /*importance*/, BlockTQ1_0& block) noexcept {
  int8_t codes[256];
  block.d = f32_to_f16(ternary_codes(x, codes));
  unsigned digits[52] = {};
  for (size_t i = 0; i < 256; ++i) {
    const Place place = place_of(i);
    digits[place.byte] += static_cast<unsigned>(codes[i] + 1) * kPowers[4 - place.digit];
  }
  for (size_t b = 0; b < 52; ++b) {
    uint8_t& byte = b < 48 ? block.fives[b] : block.fours[b - 48];
    byte = static_cast<uint8_t>((digits[b] * 256 + 242) / 243);
  }
}

}  // namespace

Format tq1_0() noexcept {
  return {"TQ1_0",
          34,
          256,
          sizeof(BlockTQ1_0),
          Activation::kQ8K,
          decode_blocks<BlockTQ1_0, 256, decode_super_codes<BlockTQ1_0>>,
          encode_blocks<BlockTQ1_0, 256, encode>};
}

}  // namespace kinglet::quant
