// The vocabulary of panels (inl/panel.inl.h) for AVX2: 8 rows.
//
// vpmaddubsw adds pairs of products (unsigned by signed bytes) with saturation at 16 bits. Codes of at most 63 by 127
// never saturate there, and several such sums may be added before they are widened: run_length says how many.
#pragma once

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include <cstddef>

namespace kinglet::kernels {
namespace {

struct Lanes {
  static constexpr size_t kRows = 8;
  static constexpr size_t kTileTokens = 4;
  static constexpr size_t kTilePanels = 2;
  static constexpr bool kSignedDot = true;

  struct Int {
    __m256i v;
  };
  struct Float {
    __m256 v;
  };
  using Part = Int;  // 16 sums of 16 bits, two for each row

  static Int set(int32_t x) noexcept { return {_mm256_set1_epi32(x)}; }
  static Int load(const void* p) noexcept { return {_mm256_loadu_si256(static_cast<const __m256i*>(p))}; }
  static Int four_codes(const int8_t* codes) noexcept {
    int32_t four;
    memcpy(&four, codes, sizeof(four));
    return {_mm256_set1_epi32(four)};
  }
  static Int add(Int a, Int b) noexcept { return {_mm256_add_epi32(a.v, b.v)}; }
  static Int sub(Int a, Int b) noexcept { return {_mm256_sub_epi32(a.v, b.v)}; }
  static Int bit_and(Int a, Int b) noexcept { return {_mm256_and_si256(a.v, b.v)}; }
  static Int bit_or(Int a, Int b) noexcept { return {_mm256_or_si256(a.v, b.v)}; }
  static Int bit_xor(Int a, Int b) noexcept { return {_mm256_xor_si256(a.v, b.v)}; }
  template <int n>
  static Int shift_right(Int a) noexcept {
    return {_mm256_srli_epi32(a.v, n)};
  }
  template <int n>
  static Int shift_left(Int a) noexcept {
    return {_mm256_slli_epi32(a.v, n)};
  }
  template <int n>
  static Int shift_right_signed(Int a) noexcept {
    return {_mm256_srai_epi32(a.v, n)};
  }
  /// Each byte (0..15) to the byte of `table` in its place.
  static Int look_up(const int8_t* table, Int bytes) noexcept {
    const __m128i sixteen = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
    return {_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(sixteen), bytes.v)};
  }
  /// a * n, n a power of two.
  template <int n>
  static Int times(Int a) noexcept {
    static_assert((n & (n - 1)) == 0);
    return {_mm256_slli_epi32(a.v, __builtin_ctz(static_cast<unsigned>(n)))};
  }

  /// Four bytes of each row. Not by a gather, which is slow on many CPUs of this kind.
  [[gnu::always_inline]] static Int words(const std::byte* first, size_t stride) noexcept {
    const auto word = [&](size_t r) noexcept {
      int32_t four;
      memcpy(&four, first + r * stride, sizeof(four));
      return four;
    };
    return {_mm256_setr_epi32(word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7))};
  }

  /// 16 bytes of each row (row r at first + r * stride) to four vectors: lane r of out[j] is the row's j-th four bytes.
  [[gnu::always_inline]] static void interleave(const std::byte* first, size_t stride, Int* out) noexcept {
    // Register i takes rows i and 4 + i, so that transposing 4 x 4 words of each 128 bits leaves rows in order.
    __m256i rows[4];
    for (size_t i = 0; i < 4; ++i) {
      const std::byte* p = first + i * stride;
      const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
      rows[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(low),
                                        _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 4 * stride)), 1);
    }
    const __m256i low01 = _mm256_unpacklo_epi32(rows[0], rows[1]);
    const __m256i high01 = _mm256_unpackhi_epi32(rows[0], rows[1]);
    const __m256i low23 = _mm256_unpacklo_epi32(rows[2], rows[3]);
    const __m256i high23 = _mm256_unpackhi_epi32(rows[2], rows[3]);
    out[0] = {_mm256_unpacklo_epi64(low01, low23)};
    out[1] = {_mm256_unpackhi_epi64(low01, low23)};
    out[2] = {_mm256_unpacklo_epi64(high01, high23)};
    out[3] = {_mm256_unpackhi_epi64(high01, high23)};
  }

  /// Bits 4 j .. 4 j + 3 of a lane to its four bytes: 16 where the bit is set.
  template <size_t j>
  static Int bits_to_sixteens(Int bits) noexcept {
    constexpr int kByte = static_cast<int>(j / 2) * 0x01010101;
    const __m256i places = _mm256_set_epi32(kByte + 0x0C0C0C0C, kByte + 0x08080808, kByte + 0x04040404, kByte,
                                            kByte + 0x0C0C0C0C, kByte + 0x08080808, kByte + 0x04040404, kByte);
    const __m256i test = _mm256_set1_epi32(static_cast<int32_t>(j % 2 == 0 ? 0x08040201U : 0x80402010U));
    const __m256i found = _mm256_and_si256(_mm256_shuffle_epi8(bits.v, places), test);
    return {_mm256_and_si256(_mm256_cmpeq_epi8(found, test), _mm256_set1_epi8(16))};
  }

  template <int kMaxCode>
  static constexpr size_t run_length(size_t n) noexcept {
    size_t run = static_cast<size_t>(32767 / (kMaxCode * 2 * 127));
    while (n % run != 0) --run;
    return run < n ? run : n;
  }
  static Part begin(Int /*total*/) noexcept { return {_mm256_setzero_si256()}; }
  /// part + the products of neighbouring codes. Signed codes by their magnitude, the sign given to the activation:
  /// 128 * 127 * 2 stays below 2^15.
  template <bool kSigned>
  static Part dot(Part part, Int codes, Int four) noexcept {
    if constexpr (kSigned) {
      const __m256i products = _mm256_maddubs_epi16(_mm256_abs_epi8(codes.v), _mm256_sign_epi8(four.v, codes.v));
      return {_mm256_add_epi16(part.v, products)};
    } else {
      return {_mm256_add_epi16(part.v, _mm256_maddubs_epi16(codes.v, four.v))};
    }
  }
  static Int end(Int total, Part part) noexcept {
    return {_mm256_add_epi32(total.v, _mm256_madd_epi16(part.v, _mm256_set1_epi16(1)))};
  }

  /// Scales of the rows (-128..128) in the form that `add_scaled` wants: both halves of a lane.
  static Int as_scale(Int scales) noexcept {
    return {_mm256_or_si256(_mm256_and_si256(scales.v, _mm256_set1_epi32(0xFFFF)), _mm256_slli_epi32(scales.v, 16))};
  }
  /// total + part * scale, a part that began at zero.
  static Int add_scaled(Int total, Part part, Int scale) noexcept {
    return {_mm256_add_epi32(total.v, _mm256_madd_epi16(part.v, scale.v))};
  }
  /// Two numbers of each row as a pair of 16 bits, and total + first * x[0] + second * x[1] of such pairs.
  static Int as_pair(Int first, Int second) noexcept {
    return {_mm256_or_si256(_mm256_and_si256(first.v, _mm256_set1_epi32(0xFFFF)), _mm256_slli_epi32(second.v, 16))};
  }
  static Int add_pair(Int total, Int pair, const int16_t* x) noexcept {
    int32_t two;
    memcpy(&two, x, sizeof(two));
    return {_mm256_add_epi32(total.v, _mm256_madd_epi16(pair.v, _mm256_set1_epi32(two)))};
  }

  static Float zero() noexcept { return {_mm256_setzero_ps()}; }
  static Float set(float x) noexcept { return {_mm256_set1_ps(x)}; }
  static Float mul(Float a, Float b) noexcept { return {_mm256_mul_ps(a.v, b.v)}; }
  static Float fma(Float a, Float b, Float c) noexcept { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
  static Float negative(Float a) noexcept { return {_mm256_xor_ps(_mm256_set1_ps(-0.0F), a.v)}; }
  static Float from_int(Int a) noexcept { return {_mm256_cvtepi32_ps(a.v)}; }
  static Float from_bits(Int a) noexcept { return {_mm256_castsi256_ps(a.v)}; }
  /// From the f16 in the low half of each lane.
  static Float from_f16(Int halves) noexcept {
    const __m256i low = _mm256_and_si256(halves.v, _mm256_set1_epi32(0xFFFF));
    const __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    return {_mm256_cvtph_ps(packed)};
  }
  static void store(Float a, float* p) noexcept { _mm256_storeu_ps(p, a.v); }
  static void store_n(Float a, float* p, size_t n) noexcept {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    _mm256_maskstore_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane), a.v);
  }
};

}  // namespace
}  // namespace kinglet::kernels
