// The vector of 16 floats as one AVX-512 register.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

namespace kinglet::kernels {
namespace {

struct Vec {
  using Real = float;
  static constexpr size_t kLanes = 16;
  static constexpr size_t kScoreTile = 2;
  static constexpr size_t kRowTile = 4;
  static constexpr size_t kFloatRows = 4;  ///< Weight rows in a register tile of a product.
  __m512 v;

  static Vec set(float x) noexcept { return {_mm512_set1_ps(x)}; }
  static Vec zero() noexcept { return {_mm512_setzero_ps()}; }
  static Vec load(const float* p) noexcept { return {_mm512_loadu_ps(p)}; }
  static Vec load_n(const float* p, size_t n) noexcept { return {_mm512_maskz_loadu_ps(mask(n), p)}; }
  static Vec load_f16(const uint16_t* p) noexcept {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  static Vec load_bf16(const uint16_t* p) noexcept {
    const __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(bits, 16))};
  }
  static Vec of_bytes(__m128i bytes) noexcept { return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes))}; }
  static Vec load_i8(const int8_t* p) noexcept {
    return of_bytes(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static Vec load_low4(const uint8_t* p) noexcept {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return of_bytes(_mm_sub_epi8(_mm_and_si128(bytes, _mm_set1_epi8(15)), _mm_set1_epi8(8)));
  }
  static Vec load_high4(const uint8_t* p) noexcept {
    const __m128i bytes = _mm_srli_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), 4);
    return of_bytes(_mm_sub_epi8(_mm_and_si128(bytes, _mm_set1_epi8(15)), _mm_set1_epi8(8)));
  }
  void store(float* p) const noexcept { _mm512_storeu_ps(p, v); }
  void store_n(float* p, size_t n) const noexcept { _mm512_mask_storeu_ps(p, mask(n), v); }
  void store_f16(uint16_t* p) const noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
  /// Rounded to nearest even; values lie in [-128, 127].
  void store_i8(int8_t* p) const noexcept {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v)));
  }
  static int32_t sum_i8(const int8_t* p) noexcept {
    return _mm512_reduce_add_epi32(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  static Vec pow2_of_shifted(const Vec& shifted) noexcept {
    const __m512i exponent = _mm512_add_epi32(_mm512_castps_si512(shifted.v), _mm512_set1_epi32(127));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23))};
  }
  static __mmask16 mask(size_t n) noexcept { return static_cast<__mmask16>((1U << n) - 1U); }
};

inline Vec operator+(const Vec& a, const Vec& b) noexcept { return {_mm512_add_ps(a.v, b.v)}; }
inline Vec operator-(const Vec& a, const Vec& b) noexcept { return {_mm512_sub_ps(a.v, b.v)}; }
inline Vec operator*(const Vec& a, const Vec& b) noexcept { return {_mm512_mul_ps(a.v, b.v)}; }
inline Vec operator/(const Vec& a, const Vec& b) noexcept { return {_mm512_div_ps(a.v, b.v)}; }
inline Vec absolute(const Vec& a) noexcept { return {_mm512_andnot_ps(_mm512_set1_ps(-0.0F), a.v)}; }
inline Vec max(const Vec& a, const Vec& b) noexcept { return {_mm512_max_ps(a.v, b.v)}; }
inline Vec min(const Vec& a, const Vec& b) noexcept { return {_mm512_min_ps(a.v, b.v)}; }
inline Vec fma(const Vec& a, const Vec& b, const Vec& c) noexcept { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline Vec where_less(const Vec& a, const Vec& b, const Vec& yes, const Vec& no) noexcept {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), no.v, yes.v)};
}
inline Vec double_even(const Vec& x) noexcept { return {_mm512_moveldup_ps(x.v)}; }
inline Vec double_odd(const Vec& x) noexcept { return {_mm512_movehdup_ps(x.v)}; }
inline Vec swap_pairs(const Vec& x) noexcept { return {_mm512_permute_ps(x.v, 0xB1)}; }
inline float sum(const Vec& x) noexcept {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x.v), _mm512_extractf32x8_ps(x.v, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
inline float highest(const Vec& x) noexcept { return _mm512_reduce_max_ps(x.v); }

}  // namespace
}  // namespace kinglet::kernels
