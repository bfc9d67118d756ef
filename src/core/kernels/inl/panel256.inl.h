// Panels of the K formats: super-blocks of 256 in groups of 16 or 32 with a scale of their own.
#pragma once

#include "core/kernels/inl/panel.inl.h"
#include "core/quant/iq4_nl.h"
#include "core/quant/iq4_xs.h"
#include "core/quant/q2_k.h"
#include "core/quant/q3_k.h"
#include "core/quant/q4_k.h"
#include "core/quant/q5_k.h"
#include "core/quant/q6_k.h"
#include "core/quant/super_codes.h"
#include "core/quant/tq2_0.h"

namespace kinglet::kernels {
namespace {

// A super-block of a panel, unpacked.
template <class L>
struct SuperBlock {
  typename L::Int codes[64];   // [j]: elements 4 j .. 4 j + 3 of each row
  typename L::Int scales[16];  // of each group
  typename L::Int pairs[8];    // factors of the activation's sums of 16: a minimum, or what an offset adds up to
  typename L::Float d;
  typename L::Float dmin;
};

// Byte i of each lane.
template <class L, unsigned i>
typename L::Int byte_of(const typename L::Int& x) noexcept {
  return L::bit_and(L::template shift_right<8 * i>(x), L::set(0xFF));
}
template <class L, unsigned i>
typename L::Int signed_byte_of(const typename L::Int& x) noexcept {
  return L::template shift_right_signed<24>(L::template shift_left<24 - 8 * i>(x));
}

// Two bits at kShift of every byte.
template <class L, unsigned kShift>
typename L::Int two_bits(const typename L::Int& bytes) noexcept {
  return L::bit_and(L::template shift_right<kShift>(bytes), L::set(0x03030303));
}
// Codes of two bits from the 64 bytes of a super-block: Q2_K, and the low bits of Q3_K.
template <class L>
void unpack_two_bits(const std::byte* first, size_t stride, typename L::Int* codes) noexcept {
  for (size_t c = 0; c < 4; ++c) {  // half c / 2, bytes 16 (c % 2) ..
    typename L::Int chunk[4];
    L::interleave(first + 16 * c, stride, chunk);
    typename L::Int* to = codes + c / 2 * 32 + c % 2 * 4;
    for (size_t j = 0; j < 4; ++j) {
      to[j] = two_bits<L, 0>(chunk[j]);
      to[8 + j] = two_bits<L, 2>(chunk[j]);
      to[16 + j] = two_bits<L, 4>(chunk[j]);
      to[24 + j] = two_bits<L, 6>(chunk[j]);
    }
  }
}

// The bit at kFrom of every byte, moved to kTo.
template <class L, unsigned kFrom, unsigned kTo>
typename L::Int bit_moved(const typename L::Int& bytes) noexcept {
  constexpr auto kMask = static_cast<int32_t>(0x01010101U << kTo);
  if constexpr (kFrom >= kTo) {
    return L::bit_and(L::template shift_right<kFrom - kTo>(bytes), L::set(kMask));
  } else {
    return L::bit_and(L::template shift_left<kTo - kFrom>(bytes), L::set(kMask));
  }
}

// Four numbers, one from each byte of four vectors: groups 4 q .. 4 q + 3 of a list of 16 bytes.
template <class L, unsigned q, class Use>
void for_bytes_of(const typename L::Int* chunk, const Use& use) noexcept {
  use(4 * q, byte_of<L, 0>(chunk[q]));
  use(4 * q + 1, byte_of<L, 1>(chunk[q]));
  use(4 * q + 2, byte_of<L, 2>(chunk[q]));
  use(4 * q + 3, byte_of<L, 3>(chunk[q]));
  if constexpr (q + 1 < 4) for_bytes_of<L, q + 1>(chunk, use);
}
template <class L, unsigned q, class Use>
void for_signed_bytes_of(const typename L::Int* chunk, const Use& use) noexcept {
  use(4 * q, signed_byte_of<L, 0>(chunk[q]));
  use(4 * q + 1, signed_byte_of<L, 1>(chunk[q]));
  use(4 * q + 2, signed_byte_of<L, 2>(chunk[q]));
  use(4 * q + 3, signed_byte_of<L, 3>(chunk[q]));
  if constexpr (q + 1 < 4) for_signed_bytes_of<L, q + 1>(chunk, use);
}

// Pairs of neighbouring groups.
template <class L>
void pairs_of(const typename L::Int* numbers, typename L::Int* pairs) noexcept {
  for (size_t i = 0; i < 8; ++i) pairs[i] = L::as_pair(numbers[2 * i], numbers[2 * i + 1]);
}
// An offset that all codes have is taken off through the sums: -offset * scale of each group.
template <class L, int kOffset>
void pairs_of_offset(const typename L::Int* scales, typename L::Int* pairs) noexcept {
  typename L::Int numbers[16];
  for (size_t g = 0; g < 16; ++g) numbers[g] = L::sub(L::set(0), L::template times<kOffset>(scales[g]));
  pairs_of<L>(numbers, pairs);
}

template <class L>
void as_scales(typename L::Int* scales) noexcept {
  for (size_t g = 0; g < 16; ++g) scales[g] = L::as_scale(scales[g]);
}

struct PanelQ2K {
  using QuantBlock = quant::BlockQ2K;
  static constexpr bool kMinimum = true;
  static constexpr bool kSigned = false;
  static constexpr int kMaxCode = 3;
  static constexpr size_t kGroup = 16;
  static constexpr size_t kScales = offsetof(QuantBlock, d);  // d, then dmin

  template <class L>
  static void unpack(const std::byte* first, size_t stride, SuperBlock<L>& out) noexcept {
    using Int = typename L::Int;
    Int chunk[4];
    Int minima[16];
    L::interleave(first + offsetof(QuantBlock, scales), stride, chunk);
    for_bytes_of<L, 0>(chunk, [&](size_t g, const Int& byte) noexcept {
      out.scales[g] = L::bit_and(byte, L::set(15));
      minima[g] = L::template shift_right<4>(byte);
    });
    pairs_of<L>(minima, out.pairs);
    as_scales<L>(out.scales);
    unpack_two_bits<L>(first + offsetof(QuantBlock, codes), stride, out.codes);
  }
};

struct PanelQ3K {
  using QuantBlock = quant::BlockQ3K;
  static constexpr bool kMinimum = false;
  static constexpr bool kSigned = false;
  static constexpr int kMaxCode = 7;
  static constexpr int kOffset = 4;
  static constexpr size_t kGroup = 16;
  static constexpr size_t kScales = offsetof(QuantBlock, d) - 2;  // d is the high half

  // The 12 bytes of scales with two bytes before and after them are 16 bytes of the block.
  template <class L>
  static void unpack_scales(const std::byte* first, size_t stride, typename L::Int* scales) noexcept {
    using Int = typename L::Int;
    Int chunk[4];
    L::interleave(first + offsetof(QuantBlock, scales) - 2, stride, chunk);
    const auto joined = [&](size_t i) noexcept {
      return L::bit_or(L::template shift_right<16>(chunk[i]), L::template shift_left<16>(chunk[i + 1]));
    };
    const Int nibbles[2] = {joined(0), joined(1)};
    const Int upper = joined(2);
    const Int low_mask = L::set(0x0F0F0F0F);
    const Int high_mask = L::set(0x30303030);
    const Int bytes[4] = {
        L::bit_or(L::bit_and(nibbles[0], low_mask), L::bit_and(L::template shift_left<4>(upper), high_mask)),
        L::bit_or(L::bit_and(nibbles[1], low_mask), L::bit_and(L::template shift_left<2>(upper), high_mask)),
        L::bit_or(L::bit_and(L::template shift_right<4>(nibbles[0]), low_mask), L::bit_and(upper, high_mask)),
        L::bit_or(L::bit_and(L::template shift_right<4>(nibbles[1]), low_mask),
                  L::bit_and(L::template shift_right<2>(upper), high_mask))};
    for_bytes_of<L, 0>(bytes, [&](size_t g, const Int& byte) noexcept { scales[g] = L::sub(byte, L::set(32)); });
  }

  // Codes of 32 elements whose third bit is bit b of `high`.
  template <class L, unsigned b>
  static void add_high(const typename L::Int* high, typename L::Int* codes) noexcept {
    for (size_t j = 0; j < 8; ++j) codes[b * 8 + j] = L::bit_or(codes[b * 8 + j], bit_moved<L, b, 2>(high[j]));
    if constexpr (b + 1 < 8) add_high<L, b + 1>(high, codes);
  }

  template <class L>
  static void unpack(const std::byte* first, size_t stride, SuperBlock<L>& out) noexcept {
    using Int = typename L::Int;
    unpack_scales<L>(first, stride, out.scales);
    pairs_of_offset<L, kOffset>(out.scales, out.pairs);
    as_scales<L>(out.scales);
    unpack_two_bits<L>(first + offsetof(QuantBlock, codes), stride, out.codes);
    Int high[8];
    L::interleave(first + offsetof(QuantBlock, high), stride, high);
    L::interleave(first + offsetof(QuantBlock, high) + 16, stride, high + 4);
    add_high<L, 0>(high, out.codes);
  }
};

// Scales and minima of Q4_K and Q5_K: the first 16 bytes of a block hold d, dmin and the 12 packed bytes.
template <class L>
void unpack_six_bits(const std::byte* first, size_t stride, SuperBlock<L>& out) noexcept {
  using Int = typename L::Int;
  Int chunk[4];
  L::interleave(first, stride, chunk);
  const Int six = L::set(0x3F3F3F3F);
  const Int four = L::set(0x0F0F0F0F);
  const Int upper = L::set(0x30303030);
  // Groups of 32 stand for two groups of 16.
  const Int scales[2] = {L::bit_and(chunk[1], six), L::bit_or(L::bit_and(chunk[3], four),
                                                              L::bit_and(L::template shift_right<2>(chunk[1]), upper))};
  const Int minima[2] = {L::bit_and(chunk[2], six), L::bit_or(L::bit_and(L::template shift_right<4>(chunk[3]), four),
                                                              L::bit_and(L::template shift_right<2>(chunk[2]), upper))};
  for (size_t half = 0; half < 2; ++half) {
    const Int scale[4] = {byte_of<L, 0>(scales[half]), byte_of<L, 1>(scales[half]), byte_of<L, 2>(scales[half]),
                          byte_of<L, 3>(scales[half])};
    const Int minimum[4] = {byte_of<L, 0>(minima[half]), byte_of<L, 1>(minima[half]), byte_of<L, 2>(minima[half]),
                            byte_of<L, 3>(minima[half])};
    for (size_t i = 0; i < 4; ++i) {
      out.scales[half * 4 + i] = L::as_scale(scale[i]);
      out.pairs[half * 4 + i] = L::as_pair(minimum[i], minimum[i]);
    }
  }
}

// Nibbles of a super-block, 64 elements from each 32 bytes: Q4_K, and the low bits of Q5_K.
template <class L>
void unpack_nibbles_256(const std::byte* first, size_t stride, typename L::Int* codes) noexcept {
  const typename L::Int mask = L::set(0x0F0F0F0F);
  for (size_t p = 0; p < 4; ++p) {
    typename L::Int bytes[8];
    L::interleave(first + 32 * p, stride, bytes);
    L::interleave(first + 32 * p + 16, stride, bytes + 4);
    typename L::Int* to = codes + 16 * p;
    for (size_t j = 0; j < 8; ++j) {
      to[j] = L::bit_and(bytes[j], mask);
      to[8 + j] = L::bit_and(L::template shift_right<4>(bytes[j]), mask);
    }
  }
}

struct PanelQ4K {
  using QuantBlock = quant::BlockQ4K;
  static constexpr bool kMinimum = true;
  static constexpr bool kSigned = false;
  static constexpr int kMaxCode = 15;
  static constexpr size_t kGroup = 32;
  static constexpr size_t kScales = offsetof(QuantBlock, d);  // d, then dmin

  template <class L>
  static void unpack(const std::byte* first, size_t stride, SuperBlock<L>& out) noexcept {
    unpack_six_bits<L>(first, stride, out);
    unpack_nibbles_256<L>(first + offsetof(QuantBlock, codes), stride, out.codes);
  }
};

struct PanelQ5K {
  using QuantBlock = quant::BlockQ5K;
  static constexpr bool kMinimum = true;
  static constexpr bool kSigned = false;
  static constexpr int kMaxCode = 31;
  static constexpr size_t kGroup = 32;
  static constexpr size_t kScales = offsetof(QuantBlock, d);  // d, then dmin

  template <class L, unsigned g>
  static void add_high(const typename L::Int* high, typename L::Int* codes) noexcept {
    for (size_t j = 0; j < 8; ++j) codes[g * 8 + j] = L::bit_or(codes[g * 8 + j], bit_moved<L, g, 4>(high[j]));
    if constexpr (g + 1 < 8) add_high<L, g + 1>(high, codes);
  }

  template <class L>
  static void unpack(const std::byte* first, size_t stride, SuperBlock<L>& out) noexcept {
    unpack_six_bits<L>(first, stride, out);
    unpack_nibbles_256<L>(first + offsetof(QuantBlock, codes), stride, out.codes);
    typename L::Int high[8];
    L::interleave(first + offsetof(QuantBlock, high), stride, high);
    L::interleave(first + offsetof(QuantBlock, high) + 16, stride, high + 4);
    add_high<L, 0>(high, out.codes);
  }
};

struct PanelQ6K {
  using QuantBlock = quant::BlockQ6K;
  static constexpr bool kMinimum = false;
  static constexpr bool kSigned = false;
  static constexpr int kMaxCode = 63;
  static constexpr int kOffset = 32;
  static constexpr size_t kGroup = 16;
  static constexpr size_t kScales = offsetof(QuantBlock, d) - 2;  // d is the high half

  // Elements 32 q .. 32 q + 31 of a half: two bits at 2 q of `high` above four.
  template <class L, unsigned q>
  static typename L::Int upper(const typename L::Int& high) noexcept {
    if constexpr (q < 2) {
      return L::bit_and(L::template shift_left<4 - 2 * q>(high), L::set(0x30303030));
    } else {
      return L::bit_and(L::template shift_right<2 * q - 4>(high), L::set(0x30303030));
    }
  }

  template <class L>
  static void unpack(const std::byte* first, size_t stride, SuperBlock<L>& out) noexcept {
    using Int = typename L::Int;
    Int chunk[4];
    L::interleave(first + offsetof(QuantBlock, scales), stride, chunk);
    for_signed_bytes_of<L, 0>(chunk, [&](size_t g, const Int& scale) noexcept { out.scales[g] = scale; });
    pairs_of_offset<L, kOffset>(out.scales, out.pairs);
    as_scales<L>(out.scales);
    const Int mask = L::set(0x0F0F0F0F);
    for (size_t half = 0; half < 2; ++half) {
      for (size_t c = 0; c < 2; ++c) {  // elements 16 c .. of each 32
        Int a[4];
        Int b[4];
        Int high[4];
        const std::byte* low = first + offsetof(QuantBlock, low) + half * 64 + c * 16;
        L::interleave(low, stride, a);
        L::interleave(low + 32, stride, b);
        L::interleave(first + offsetof(QuantBlock, high) + half * 32 + c * 16, stride, high);
        Int* codes = out.codes + half * 32 + c * 4;
        for (size_t j = 0; j < 4; ++j) {
          codes[j] = L::bit_or(L::bit_and(a[j], mask), upper<L, 0>(high[j]));
          codes[8 + j] = L::bit_or(L::bit_and(b[j], mask), upper<L, 1>(high[j]));
          codes[16 + j] = L::bit_or(L::bit_and(L::template shift_right<4>(a[j]), mask), upper<L, 2>(high[j]));
          codes[24 + j] = L::bit_or(L::bit_and(L::template shift_right<4>(b[j]), mask), upper<L, 3>(high[j]));
        }
      }
    }
  }
};

struct PanelTQ2_0 {
  using QuantBlock = quant::BlockTQ2_0;
  static constexpr bool kMinimum = false;
  static constexpr bool kSigned = false;
  static constexpr int kMaxCode = 3;
  static constexpr int kOffset = 1;
  static constexpr size_t kGroup = 128;
  static constexpr size_t kScales = offsetof(QuantBlock, d) - 2;  // d is the high half

  template <class L>
  static void unpack(const std::byte* first, size_t stride, SuperBlock<L>& out) noexcept {
    for (typename L::Int& scale : out.scales) scale = L::set(1);
    pairs_of_offset<L, kOffset>(out.scales, out.pairs);
    as_scales<L>(out.scales);
    unpack_two_bits<L>(first + offsetof(QuantBlock, codes), stride, out.codes);
  }
};

// Signed codes: as they are where the instruction set multiplies signed by signed, else shifted to unsigned.
template <bool kAsTheyAre>
struct SignedCodes256 {
  static constexpr bool kMinimum = false;
  static constexpr bool kSigned = kAsTheyAre;
  static constexpr int kMaxCode = kAsTheyAre ? 128 : 255;
  static constexpr int kOffset = 128;  // where they are shifted

  template <class L>
  static typename L::Int shifted(const typename L::Int& codes) noexcept {
    if constexpr (kAsTheyAre) {
      return codes;
    } else {
      return L::bit_xor(codes, L::set(static_cast<int32_t>(0x80808080U)));
    }
  }
};

template <bool kAsTheyAre>
struct PanelIQ4XS : SignedCodes256<kAsTheyAre> {
  using QuantBlock = quant::BlockIQ4XS;
  static constexpr size_t kGroup = 32;

  template <class L, unsigned g>
  static void unpack_scales(const typename L::Int& high, const typename L::Int& low, SuperBlock<L>& out) noexcept {
    const typename L::Int nibble = L::bit_and(L::template shift_right<4 * g>(low), L::set(15));
    const typename L::Int two = L::bit_and(L::template shift_right<16 + 2 * g>(high), L::set(3));
    const typename L::Int scale = L::sub(L::bit_or(nibble, L::template shift_left<4>(two)), L::set(32));
    const typename L::Int offset = L::sub(L::set(0), L::template times<128>(scale));
    out.pairs[g] = L::as_pair(offset, offset);
    out.scales[g] = L::as_scale(scale);
    if constexpr (g + 1 < 8) unpack_scales<L, g + 1>(high, low, out);
  }

  template <class L>
  static void unpack(const std::byte* first, size_t stride, SuperBlock<L>& out) noexcept {
    using Int = typename L::Int;
    const Int head = L::words(first, stride);  // d and scales_high
    unpack_scales<L, 0>(head, L::words(first + offsetof(QuantBlock, scales_low), stride), out);
    out.d = L::from_f16(head);
    const Int mask = L::set(0x0F0F0F0F);
    for (size_t g = 0; g < 8; ++g) {
      Int bytes[4];
      L::interleave(first + offsetof(QuantBlock, codes) + 16 * g, stride, bytes);
      for (size_t j = 0; j < 4; ++j) {
        const Int low = L::look_up(quant::kValuesIQ4, L::bit_and(bytes[j], mask));
        const Int high = L::look_up(quant::kValuesIQ4, L::bit_and(L::template shift_right<4>(bytes[j]), mask));
        out.codes[g * 8 + j] = PanelIQ4XS::template shifted<L>(low);
        out.codes[g * 8 + 4 + j] = PanelIQ4XS::template shifted<L>(high);
      }
    }
  }
};

// Formats with codebooks: core/quant unpacks each row's block, by tables; then the rows are laid side by side.
template <class Block, bool kAsTheyAre>
struct PanelSuperCodes : SignedCodes256<kAsTheyAre> {
  using QuantBlock = Block;
  static constexpr size_t kGroup = 16;

  template <class L>
  static void unpack(const std::byte* first, size_t stride, SuperBlock<L>& out) noexcept {
    quant::SuperCodes rows[L::kRows];
    for (size_t r = 0; r < L::kRows; ++r) {
      rows[r] = unpacked(*reinterpret_cast<const Block*>(first + r * stride));
    }
    const auto* bytes = reinterpret_cast<const std::byte*>(rows);
    for (size_t c = 0; c < 16; ++c) {
      typename L::Int* codes = out.codes + 4 * c;
      L::interleave(bytes + offsetof(quant::SuperCodes, codes) + 16 * c, sizeof(rows[0]), codes);
      for (size_t j = 0; j < 4; ++j) codes[j] = PanelSuperCodes::template shifted<L>(codes[j]);
    }
    typename L::Int chunk[4];
    L::interleave(bytes + offsetof(quant::SuperCodes, scales), sizeof(rows[0]), chunk);
    for_signed_bytes_of<L, 0>(chunk, [&](size_t g, const typename L::Int& scale) noexcept { out.scales[g] = scale; });
    pairs_of_offset<L, PanelSuperCodes::kOffset>(out.scales, out.pairs);
    as_scales<L>(out.scales);
    out.d = L::from_bits(L::words(bytes + offsetof(quant::SuperCodes, d), sizeof(rows[0])));
  }
};

template <class LL, class Format>
struct Family256 {
  using L = LL;
  using QuantBlock = typename Format::QuantBlock;
  using Block = SuperBlock<L>;
  static constexpr size_t kLen = 256;
  static constexpr auto kActivation = quant::Activation::kQ8K;

  static void unpack(const PanelRows& rows, size_t b, Block& out) noexcept {
    const std::byte* first = rows.first + b * sizeof(QuantBlock);
    Format::template unpack<L>(first, rows.stride, out);
    if constexpr (requires { Format::kScales; }) {  // else it has set d itself
      const typename L::Int scales = L::words(first + Format::kScales, rows.stride);
      const typename L::Float low = L::from_f16(scales);
      const typename L::Float high = L::from_f16(L::template shift_right<16>(scales));
      out.d = Format::kMinimum ? low : high;
      out.dmin = high;
    }
  }

  // Sums of a super-block stay below 2^28: 256 codes by 127, by a scale.
  template <size_t kT, size_t kW>
  static void integer_sums(const Block* const (&blocks)[kW], const EncodedRows& x, size_t t, size_t b,
                           typename L::Int (&total)[kT][kW]) noexcept {
    using Int = typename L::Int;
    constexpr size_t kFours = Format::kGroup / 4;
    constexpr size_t kRun = L::template run_length<Format::kMaxCode>(kFours);
    for (size_t i = 0; i < kT; ++i) {
      for (size_t w = 0; w < kW; ++w) total[i][w] = L::set(0);
    }
    for (size_t g = 0; g < 256 / Format::kGroup; ++g) {
      for (size_t first = 0; first < kFours; first += kRun) {
        typename L::Part part[kT][kW];
        for (size_t i = 0; i < kT; ++i) {
          for (size_t w = 0; w < kW; ++w) part[i][w] = L::begin(L::set(0));
        }
        for (size_t j = g * kFours + first; j < g * kFours + first + kRun; ++j) {
          Int codes[kW];
          for (size_t w = 0; w < kW; ++w) codes[w] = blocks[w]->codes[j];
          for (size_t i = 0; i < kT; ++i) {
            const Int four = L::four_codes(x.codes(t + i) + b * 256 + j * 4);
            for (size_t w = 0; w < kW; ++w) part[i][w] = L::template dot<Format::kSigned>(part[i][w], codes[w], four);
          }
        }
        for (size_t w = 0; w < kW; ++w) {
          const Int scale = blocks[w]->scales[g];
          for (size_t i = 0; i < kT; ++i) total[i][w] = L::add_scaled(total[i][w], part[i][w], scale);
        }
      }
    }
  }

  template <size_t kT, size_t kW>
  static void add_pairs(const Block* const (&blocks)[kW], const EncodedRows& x, size_t t, size_t b,
                        typename L::Int (&total)[kT][kW]) noexcept {
    for (size_t p = 0; p < 8; ++p) {
      for (size_t w = 0; w < kW; ++w) {
        const typename L::Int pair = blocks[w]->pairs[p];
        for (size_t i = 0; i < kT; ++i) {
          total[i][w] = L::add_pair(total[i][w], pair, x.template sums<int16_t>(t + i) + b * 16 + 2 * p);
        }
      }
    }
  }

  template <size_t kT, size_t kW, class Source>
  static void tile(const Source& source, const EncodedRows& x, size_t t, size_t n_blocks,
                   typename L::Float (&acc)[kT][kW]) noexcept {
    using Int = typename L::Int;
    for (size_t i = 0; i < kT; ++i) {
      for (size_t w = 0; w < kW; ++w) acc[i][w] = L::zero();
    }
    for (size_t b = 0; b < n_blocks; ++b) {
      Block room[kW];
      const Block* blocks[kW];
      for (size_t w = 0; w < kW; ++w) blocks[w] = &source.at(w, b, room[w]);
      Int total[kT][kW];
      integer_sums<kT, kW>(blocks, x, t, b, total);
      if constexpr (!Format::kMinimum && !Format::kSigned) add_pairs<kT, kW>(blocks, x, t, b, total);
      for (size_t i = 0; i < kT; ++i) {
        const typename L::Float scale = L::set(x.scales(t + i)[b]);
        for (size_t w = 0; w < kW; ++w) {
          acc[i][w] = L::fma(L::mul(blocks[w]->d, scale), L::from_int(total[i][w]), acc[i][w]);
        }
      }
      if constexpr (Format::kMinimum) {
        for (size_t i = 0; i < kT; ++i) {
          for (size_t w = 0; w < kW; ++w) total[i][w] = L::set(0);
        }
        add_pairs<kT, kW>(blocks, x, t, b, total);
        for (size_t i = 0; i < kT; ++i) {
          const typename L::Float scale = L::set(x.scales(t + i)[b]);
          for (size_t w = 0; w < kW; ++w) {
            acc[i][w] = L::fma(L::negative(L::mul(blocks[w]->dmin, scale)), L::from_int(total[i][w]), acc[i][w]);
          }
        }
      }
    }
  }
};

}  // namespace
}  // namespace kinglet::kernels
