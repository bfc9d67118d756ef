// Codebooks of the IQ formats: points that eight (or four) codes together may take, a byte for each code, the first one
// lowest. The index masks of the formats keep every index inside its list.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace kinglet::quant {

extern const std::array<uint64_t, 256> kGridIQ2XXS;
extern const std::array<uint64_t, 512> kGridIQ2XS;
extern const std::array<uint64_t, 1024> kGridIQ2S;
extern const std::array<uint64_t, 2048> kGridIQ1;  ///< -1, 0, 1.
extern const std::array<uint32_t, 256> kGridIQ3XXS;
extern const std::array<uint32_t, 512> kGridIQ3S;

/// Signs of eight codes from seven bits: the eighth one makes the number of negative ones even.
inline unsigned even_signs(unsigned seven) noexcept {
  return seven | (static_cast<unsigned>(__builtin_parity(seven)) << 7U);
}

/// A point's codes; bit i of `signs` negates code i.
template <class Point>
void signed_codes(Point point, unsigned signs, int8_t* codes) noexcept {
  for (unsigned i = 0; i < sizeof(Point); ++i) {
    const auto code = static_cast<int>((point >> (8 * i)) & 0xFF);
    codes[i] = static_cast<int8_t>((signs >> i & 1U) != 0 ? -code : code);
  }
}

/// Codes of the formats of one bit, in eighths: a point of kGridIQ1 moved by an eighth, down or up.
inline void moved_codes(uint64_t point, bool down, int8_t* codes) noexcept {
  for (unsigned i = 0; i < 8; ++i) {
    codes[i] = static_cast<int8_t>(8 * static_cast<int8_t>(point >> (8 * i)) + (down ? -1 : 1));
  }
}

}  // namespace kinglet::quant
