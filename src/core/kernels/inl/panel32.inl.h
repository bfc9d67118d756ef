// Panels of the formats with blocks of 32.
#pragma once

#include "core/kernels/inl/panel.inl.h"
#include "core/quant/iq4_nl.h"
#include "core/quant/mxfp4.h"
#include "core/quant/q4_0.h"
#include "core/quant/q4_1.h"
#include "core/quant/q5_0.h"
#include "core/quant/q5_1.h"
#include "core/quant/q8_0.h"

namespace kinglet::kernels {
namespace {

// A block of 16 bytes of nibbles: elements 0..15 in the low halves, 16..31 in the high ones.
template <class L>
[[gnu::always_inline]] inline void unpack_nibbles(const std::byte* first, size_t stride,
                                                  typename L::Int* codes) noexcept {
  typename L::Int bytes[4];
  L::interleave(first, stride, bytes);
  const typename L::Int mask = L::set(0x0F0F0F0F);
  for (size_t j = 0; j < 4; ++j) {
    codes[j] = L::bit_and(bytes[j], mask);
    codes[4 + j] = L::bit_and(L::template shift_right<4>(bytes[j]), mask);
  }
}

// Adds 16 to the codes whose bit of `high` is set: bit e belongs to element e.
template <class L, size_t j = 0>
[[gnu::always_inline]] inline void add_fifth_bits(const typename L::Int& high, typename L::Int* codes) noexcept {
  codes[j] = L::bit_or(codes[j], L::template bits_to_sixteens<j>(high));
  if constexpr (j + 1 < 8) add_fifth_bits<L, j + 1>(high, codes);
}

// What each format is to a panel. Codes are unsigned (kMaxCode at most) and stand for code - kOffset, but for signed
// ones. A head is one or two words of each row: the scale, an f16 in the low half of the
// first unless the format says otherwise (`scale`).
struct PanelQ4_0 {
  using QuantBlock = quant::BlockQ4_0;
  static constexpr bool kMinimum = false;
  static constexpr int kMaxCode = 15;
  static constexpr int kOffset = 8;
  static constexpr bool kSigned = false;
  template <class L>
  [[gnu::always_inline]] static void codes(const std::byte* first, size_t stride, typename L::Int* out) noexcept {
    unpack_nibbles<L>(first + offsetof(QuantBlock, codes), stride, out);
  }
};

struct PanelQ4_1 {
  using QuantBlock = quant::BlockQ4_1;
  static constexpr bool kMinimum = true;
  static constexpr int kMaxCode = 15;
  static constexpr int kOffset = 0;
  static constexpr bool kSigned = false;
  template <class L>
  [[gnu::always_inline]] static void codes(const std::byte* first, size_t stride, typename L::Int* out) noexcept {
    unpack_nibbles<L>(first + offsetof(QuantBlock, codes), stride, out);
  }
};

struct PanelQ5_0 {
  using QuantBlock = quant::BlockQ5_0;
  static constexpr bool kMinimum = false;
  static constexpr int kMaxCode = 31;
  static constexpr int kOffset = 16;
  static constexpr bool kSigned = false;
  template <class L>
  [[gnu::always_inline]] static void codes(const std::byte* first, size_t stride, typename L::Int* out) noexcept {
    unpack_nibbles<L>(first + offsetof(QuantBlock, codes), stride, out);
    add_fifth_bits<L>(L::words(first + offsetof(QuantBlock, high), stride), out);
  }
};

struct PanelQ5_1 {
  using QuantBlock = quant::BlockQ5_1;
  static constexpr bool kMinimum = true;
  static constexpr int kMaxCode = 31;
  static constexpr int kOffset = 0;
  static constexpr bool kSigned = false;
  template <class L>
  [[gnu::always_inline]] static void codes(const std::byte* first, size_t stride, typename L::Int* out) noexcept {
    unpack_nibbles<L>(first + offsetof(QuantBlock, codes), stride, out);
    add_fifth_bits<L>(L::words(first + offsetof(QuantBlock, high), stride), out);
  }
};

// Signed bytes: as they are where the instruction set multiplies signed by signed, else shifted to unsigned.
template <bool kAsTheyAre>
struct PanelQ8_0 {
  using QuantBlock = quant::BlockQ8_0;
  static constexpr bool kMinimum = false;
  static constexpr int kMaxCode = kAsTheyAre ? 128 : 255;
  static constexpr int kOffset = kAsTheyAre ? 0 : 128;
  static constexpr bool kSigned = kAsTheyAre;
  template <class L>
  [[gnu::always_inline]] static void codes(const std::byte* first, size_t stride, typename L::Int* out) noexcept {
    const std::byte* bytes = first + offsetof(QuantBlock, codes);
    L::interleave(bytes, stride, out);
    L::interleave(bytes + 16, stride, out + 4);
    if constexpr (!kAsTheyAre) {
      for (size_t j = 0; j < 8; ++j) out[j] = L::bit_xor(out[j], L::set(static_cast<int32_t>(0x80808080U)));
    }
  }
};

// Nibbles that stand for numbers of a list.
template <class L, bool kAsTheyAre>
[[gnu::always_inline]] inline void unpack_listed(const std::byte* first, size_t stride, const int8_t* values,
                                                 typename L::Int* codes) noexcept {
  unpack_nibbles<L>(first, stride, codes);
  for (size_t j = 0; j < 8; ++j) {
    codes[j] = L::look_up(values, codes[j]);
    if constexpr (!kAsTheyAre) codes[j] = L::bit_xor(codes[j], L::set(static_cast<int32_t>(0x80808080U)));
  }
}

template <bool kAsTheyAre>
struct PanelIQ4NL {
  using QuantBlock = quant::BlockIQ4NL;
  static constexpr bool kMinimum = false;
  static constexpr int kMaxCode = kAsTheyAre ? 128 : 255;
  static constexpr int kOffset = kAsTheyAre ? 0 : 128;
  static constexpr bool kSigned = kAsTheyAre;
  template <class L>
  [[gnu::always_inline]] static void codes(const std::byte* first, size_t stride, typename L::Int* out) noexcept {
    unpack_listed<L, kAsTheyAre>(first + offsetof(QuantBlock, codes), stride, quant::kValuesIQ4, out);
  }
};

template <bool kAsTheyAre>
struct PanelMXFP4 {
  using QuantBlock = quant::BlockMXFP4;
  static constexpr bool kMinimum = false;
  static constexpr int kMaxCode = kAsTheyAre ? 12 : 140;
  static constexpr int kOffset = kAsTheyAre ? 0 : 128;
  static constexpr bool kSigned = kAsTheyAre;
  template <class L>
  [[gnu::always_inline]] static void codes(const std::byte* first, size_t stride, typename L::Int* out) noexcept {
    unpack_listed<L, kAsTheyAre>(first + offsetof(QuantBlock, codes), stride, quant::kValuesE2M1, out);
  }
  // Half of 2^(exponent - 127); the exponent 0 stands for half of that of 1, a subnormal number.
  template <class L>
  [[gnu::always_inline]] static typename L::Float scale(const typename L::Int& head) noexcept {
    const typename L::Int exponent = L::bit_and(head, L::set(0xFF));
    const typename L::Int is_zero = L::template shift_right<31>(L::sub(exponent, L::set(1)));
    const typename L::Int bits = L::bit_or(L::template shift_left<23>(exponent), L::template shift_left<22>(is_zero));
    return L::mul(L::from_bits(bits), L::set(0.5F));
  }
};

template <class LL, class Format>
struct Family32 {
  using L = LL;
  using QuantBlock = typename Format::QuantBlock;
  static constexpr size_t kLen = 32;
  static constexpr auto kActivation = quant::Activation::kQ8;

  struct Block {
    typename L::Int codes[8];  // [j]: elements 4 j .. 4 j + 3 of each row
    typename L::Float d;
    typename L::Float m;
  };

  [[gnu::always_inline]] static void unpack(const PanelRows& rows, size_t b, Block& out) noexcept {
    const std::byte* first = rows.first + b * sizeof(QuantBlock);
    Format::template codes<L>(first, rows.stride, out.codes);
    const typename L::Int scales = L::words(first, rows.stride);
    if constexpr (requires { Format::template scale<L>(scales); }) {
      out.d = Format::template scale<L>(scales);
    } else {
      out.d = L::from_f16(scales);
    }
    if constexpr (Format::kMinimum) out.m = L::from_f16(L::template shift_right<16>(scales));
  }

  template <size_t kT, size_t kW, class Source>
  static void tile(const Source& source, const EncodedRows& x, size_t t, size_t n_blocks,
                   typename L::Float (&acc)[kT][kW]) noexcept {
    using Int = typename L::Int;
    // So many products of four codes are added before a sum of 16 bits might overflow (where sums have 16 bits).
    constexpr size_t kRun = L::template run_length<Format::kMaxCode>(8);
    for (size_t i = 0; i < kT; ++i) {
      for (size_t w = 0; w < kW; ++w) acc[i][w] = L::zero();
    }
    for (size_t b = 0; b < n_blocks; ++b) {
      Block room[kW];
      const Block* blocks[kW];
      for (size_t w = 0; w < kW; ++w) blocks[w] = &source.at(w, b, room[w]);
      Int total[kT][kW];
      for (size_t i = 0; i < kT; ++i) {
        Int start = L::set(0);
        if constexpr (Format::kOffset != 0) {
          start = L::sub(start, L::template times<Format::kOffset>(L::set(x.template sums<int32_t>(t + i)[b])));
        }
        for (size_t w = 0; w < kW; ++w) total[i][w] = start;
      }
      for (size_t first = 0; first < 8; first += kRun) {
        typename L::Part part[kT][kW];
        for (size_t i = 0; i < kT; ++i) {
          for (size_t w = 0; w < kW; ++w) part[i][w] = L::begin(total[i][w]);
        }
        for (size_t j = first; j < first + kRun; ++j) {
          Int codes[kW];
          for (size_t w = 0; w < kW; ++w) codes[w] = blocks[w]->codes[j];
          for (size_t i = 0; i < kT; ++i) {
            const Int four = L::four_codes(x.codes(t + i) + b * 32 + j * 4);
            for (size_t w = 0; w < kW; ++w) part[i][w] = L::template dot<Format::kSigned>(part[i][w], codes[w], four);
          }
        }
        for (size_t i = 0; i < kT; ++i) {
          for (size_t w = 0; w < kW; ++w) total[i][w] = L::end(total[i][w], part[i][w]);
        }
      }
      for (size_t i = 0; i < kT; ++i) {
        const typename L::Float scale = L::set(x.scales(t + i)[b]);
        for (size_t w = 0; w < kW; ++w) {
          acc[i][w] = L::fma(L::mul(blocks[w]->d, scale), L::from_int(total[i][w]), acc[i][w]);
          if constexpr (Format::kMinimum) acc[i][w] = L::fma(blocks[w]->m, L::set(x.scaled_sums(t + i)[b]), acc[i][w]);
        }
      }
    }
  }
};

}  // namespace
}  // namespace kinglet::kernels
