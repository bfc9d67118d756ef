// The vector of 16 floats as two AVX2 registers.
#pragma once

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

namespace kinglet::kernels {
namespace {

struct Vec {
  using Real = float;
  static constexpr size_t kLanes = 16;
  static constexpr size_t kScoreTile = 1;
  static constexpr size_t kRowTile = 1;
  static constexpr size_t kFloatRows = 1;  ///< Weight rows in a register tile of a product.
  __m256 low;
  __m256 high;

  static Vec set(float x) noexcept { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
  static Vec zero() noexcept { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static Vec load(const float* p) noexcept { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static Vec load_n(const float* p, size_t n) noexcept {
    return {_mm256_maskload_ps(p, mask(n, 0)), _mm256_maskload_ps(p + 8, mask(n, 8))};
  }
  static Vec load_f16(const uint16_t* p) noexcept {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
            _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))};
  }
  static Vec load_bf16(const uint16_t* p) noexcept {
    const auto half = [](const uint16_t* from) noexcept {
      const __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
      return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
    };
    return {half(p), half(p + 8)};
  }
  static Vec of_bytes(__m128i bytes) noexcept {
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
            _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)))};
  }
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
  void store(float* p) const noexcept {
    _mm256_storeu_ps(p, low);
    _mm256_storeu_ps(p + 8, high);
  }
  void store_n(float* p, size_t n) const noexcept {
    _mm256_maskstore_ps(p, mask(n, 0), low);
    _mm256_maskstore_ps(p + 8, mask(n, 8), high);
  }
  void store_f16(uint16_t* p) const noexcept {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(low, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), _mm256_cvtps_ph(high, _MM_FROUND_TO_NEAREST_INT));
  }
  /// Rounded to nearest even; values lie in [-128, 127].
  void store_i8(int8_t* p) const noexcept {
    const __m256i pairs = _mm256_packs_epi32(_mm256_cvtps_epi32(low), _mm256_cvtps_epi32(high));
    const __m256i in_order = _mm256_permute4x64_epi64(pairs, 0xD8);
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(in_order), _mm256_extracti128_si256(in_order, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
  }
  static int32_t sum_i8(const int8_t* p) noexcept {
    const __m128i biased =
        _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), _mm_set1_epi8(-128));  // + 128
    const __m128i sums = _mm_sad_epu8(biased, _mm_setzero_si128());
    return _mm_cvtsi128_si32(_mm_add_epi32(sums, _mm_unpackhi_epi64(sums, sums))) - 16 * 128;
  }
  static Vec pow2_of_shifted(const Vec& shifted) noexcept { return {power(shifted.low), power(shifted.high)}; }
  static __m256 power(__m256 shifted) noexcept {
    const __m256i exponent = _mm256_add_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
  }
  // Lanes [first, first + 8) of which those below n are on.
  static __m256i mask(size_t n, int first) noexcept {
    const __m256i lane = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32(first));
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane);
  }
};

inline Vec operator+(const Vec& a, const Vec& b) noexcept {
  return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}
inline Vec operator-(const Vec& a, const Vec& b) noexcept {
  return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}
inline Vec operator*(const Vec& a, const Vec& b) noexcept {
  return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}
inline Vec operator/(const Vec& a, const Vec& b) noexcept {
  return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}
inline Vec absolute(const Vec& a) noexcept {
  const __m256 sign = _mm256_set1_ps(-0.0F);
  return {_mm256_andnot_ps(sign, a.low), _mm256_andnot_ps(sign, a.high)};
}
inline Vec max(const Vec& a, const Vec& b) noexcept {
  return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}
inline Vec min(const Vec& a, const Vec& b) noexcept {
  return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}
inline Vec fma(const Vec& a, const Vec& b, const Vec& c) noexcept {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
inline Vec where_less(const Vec& a, const Vec& b, const Vec& yes, const Vec& no) noexcept {
  return {_mm256_blendv_ps(no.low, yes.low, _mm256_cmp_ps(a.low, b.low, _CMP_LT_OQ)),
          _mm256_blendv_ps(no.high, yes.high, _mm256_cmp_ps(a.high, b.high, _CMP_LT_OQ))};
}
inline Vec double_even(const Vec& x) noexcept { return {_mm256_moveldup_ps(x.low), _mm256_moveldup_ps(x.high)}; }
inline Vec double_odd(const Vec& x) noexcept { return {_mm256_movehdup_ps(x.low), _mm256_movehdup_ps(x.high)}; }
inline Vec swap_pairs(const Vec& x) noexcept {
  return {_mm256_permute_ps(x.low, 0xB1), _mm256_permute_ps(x.high, 0xB1)};
}
inline float sum(const Vec& x) noexcept {
  const __m256 eight = _mm256_add_ps(x.low, x.high);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
inline float highest(const Vec& x) noexcept {
  const __m256 eight = _mm256_max_ps(x.low, x.high);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

}  // namespace
}  // namespace kinglet::kernels
