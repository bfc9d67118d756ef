// The vocabulary of panels (inl/panel.inl.h) for AVX-512 with VNNI: 16 rows.
#pragma once

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include <cstddef>

namespace kinglet::kernels {
namespace {

struct Lanes {
  static constexpr size_t kRows = 16;
  // 6 x 2 sums of integers and as many results leave eight of 32 registers for codes and scales; a pair of code vectors
  // serves six rows, so loads (8 a step) stay behind multiplications (12).
  static constexpr size_t kTileTokens = 6;
  static constexpr size_t kTilePanels = 2;
  static constexpr bool kSignedDot = false;

  struct Int {
    __m512i v;
  };
  struct Float {
    __m512 v;
  };
  using Part = Int;  // sums of 32 bits need no runs

  static Int set(int32_t x) noexcept { return {_mm512_set1_epi32(x)}; }
  static Int load(const void* p) noexcept { return {_mm512_loadu_si512(p)}; }
  static Int four_codes(const int8_t* codes) noexcept {
    int32_t four;
    memcpy(&four, codes, sizeof(four));
    return {_mm512_set1_epi32(four)};
  }
  static Int add(Int a, Int b) noexcept { return {_mm512_add_epi32(a.v, b.v)}; }
  static Int sub(Int a, Int b) noexcept { return {_mm512_sub_epi32(a.v, b.v)}; }
  static Int bit_and(Int a, Int b) noexcept { return {_mm512_and_si512(a.v, b.v)}; }
  static Int bit_or(Int a, Int b) noexcept { return {_mm512_or_si512(a.v, b.v)}; }
  static Int bit_xor(Int a, Int b) noexcept { return {_mm512_xor_si512(a.v, b.v)}; }
  template <unsigned n>
  static Int shift_right(Int a) noexcept {
    return {_mm512_srli_epi32(a.v, n)};
  }
  template <unsigned n>
  static Int shift_left(Int a) noexcept {
    return {_mm512_slli_epi32(a.v, n)};
  }
  template <unsigned n>
  static Int shift_right_signed(Int a) noexcept {
    return {_mm512_srai_epi32(a.v, n)};
  }
  /// Each byte (0..15) to the byte of `table` in its place.
  static Int look_up(const int8_t* table, Int bytes) noexcept {
    const __m128i sixteen = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
    return {_mm512_shuffle_epi8(_mm512_broadcast_i32x4(sixteen), bytes.v)};
  }
  /// a * n, n a power of two.
  template <int n>
  static Int times(Int a) noexcept {
    static_assert((n & (n - 1)) == 0);
    return {_mm512_slli_epi32(a.v, static_cast<unsigned>(__builtin_ctz(static_cast<unsigned>(n))))};
  }

  /// Four bytes of each row.
  [[gnu::always_inline]] static Int words(const std::byte* first, size_t stride) noexcept {
    const __m512i row = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    return {_mm512_i32gather_epi32(_mm512_mullo_epi32(row, _mm512_set1_epi32(static_cast<int>(stride))), first, 1)};
  }

  /// 16 bytes of each row (row r at first + r * stride) to four vectors: lane r of out[j] is the row's j-th four bytes.
  [[gnu::always_inline]] static void interleave(const std::byte* first, size_t stride, Int* out) noexcept {
    // Register i takes rows i, 4 + i, 8 + i, 12 + i, so that transposing 4 x 4 words of each 128 bits leaves rows in
    // order.
    __m512i rows[4];
    for (size_t i = 0; i < 4; ++i) {
      const std::byte* p = first + i * stride;
      __m512i four = _mm512_castsi128_si512(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
      four =
          _mm512_mask_broadcast_i32x4(four, 0x00F0, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 4 * stride)));
      four =
          _mm512_mask_broadcast_i32x4(four, 0x0F00, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8 * stride)));
      rows[i] =
          _mm512_mask_broadcast_i32x4(four, 0xF000, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 12 * stride)));
    }
    const __m512i low01 = _mm512_unpacklo_epi32(rows[0], rows[1]);
    const __m512i high01 = _mm512_unpackhi_epi32(rows[0], rows[1]);
    const __m512i low23 = _mm512_unpacklo_epi32(rows[2], rows[3]);
    const __m512i high23 = _mm512_unpackhi_epi32(rows[2], rows[3]);
    out[0] = {_mm512_unpacklo_epi64(low01, low23)};
    out[1] = {_mm512_unpackhi_epi64(low01, low23)};
    out[2] = {_mm512_unpacklo_epi64(high01, high23)};
    out[3] = {_mm512_unpackhi_epi64(high01, high23)};
  }

  /// Bits 4 j .. 4 j + 3 of a lane to its four bytes: 16 where the bit is set.
  template <size_t j>
  static Int bits_to_sixteens(Int bits) noexcept {
    constexpr int kByte = static_cast<int>(j / 2) * 0x01010101;
    const __m512i places =
        _mm512_broadcast_i32x4(_mm_set_epi32(kByte + 0x0C0C0C0C, kByte + 0x08080808, kByte + 0x04040404, kByte));
    const __m512i test = _mm512_set1_epi32(static_cast<int32_t>(j % 2 == 0 ? 0x08040201U : 0x80402010U));
    const __mmask64 is_set = _mm512_test_epi8_mask(_mm512_shuffle_epi8(bits.v, places), test);
    return {_mm512_maskz_mov_epi8(is_set, _mm512_set1_epi8(16))};
  }

  template <int kMaxCode>
  static constexpr size_t run_length(size_t n) noexcept {
    return n;
  }
  static Part begin(Int total) noexcept { return total; }
  /// part + the four products of each lane: unsigned codes of the weight, signed ones of the activation.
  template <bool kSigned>
  static Part dot(Part part, Int codes, Int four) noexcept {
    static_assert(!kSigned);
    return {_mm512_dpbusd_epi32(part.v, codes.v, four.v)};
  }
  static Int end(Int /*total*/, Part part) noexcept { return part; }

  /// Scales of the rows (-128..128) in the form that `add_scaled` wants.
  static Int as_scale(Int scales) noexcept { return scales; }
  /// total + part * scale, a part that began at zero.
  static Int add_scaled(Int total, Part part, Int scale) noexcept {
    return {_mm512_add_epi32(total.v, _mm512_mullo_epi32(part.v, scale.v))};
  }
  /// Two numbers of each row as a pair of 16 bits, and total + first * x[0] + second * x[1] of such pairs.
  static Int as_pair(Int first, Int second) noexcept {
    return {_mm512_or_si512(_mm512_and_si512(first.v, _mm512_set1_epi32(0xFFFF)), _mm512_slli_epi32(second.v, 16))};
  }
  static Int add_pair(Int total, Int pair, const int16_t* x) noexcept {
    int32_t two;
    memcpy(&two, x, sizeof(two));
    return {_mm512_dpwssd_epi32(total.v, pair.v, _mm512_set1_epi32(two))};
  }

  static Float zero() noexcept { return {_mm512_setzero_ps()}; }
  static Float set(float x) noexcept { return {_mm512_set1_ps(x)}; }
  static Float mul(Float a, Float b) noexcept { return {_mm512_mul_ps(a.v, b.v)}; }
  static Float fma(Float a, Float b, Float c) noexcept { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static Float negative(Float a) noexcept { return {_mm512_xor_ps(_mm512_set1_ps(-0.0F), a.v)}; }
  static Float from_int(Int a) noexcept { return {_mm512_cvtepi32_ps(a.v)}; }
  static Float from_bits(Int a) noexcept { return {_mm512_castsi512_ps(a.v)}; }
  /// From the f16 in the low half of each lane.
  static Float from_f16(Int halves) noexcept { return {_mm512_cvtph_ps(_mm512_cvtepi32_epi16(halves.v))}; }
  static void store(Float a, float* p) noexcept { _mm512_storeu_ps(p, a.v); }
  static void store_n(Float a, float* p, size_t n) noexcept {
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1U << n) - 1U), a.v);
  }
};

}  // namespace
}  // namespace kinglet::kernels
