// Stands in for the compiler's header of the same name in the preset `simde`: the AVX-512 kernels are compiled through
// SIMDe for AVX2 with FMA, so that they can be checked on a CPU without AVX-512. What the library's release in Debian
// 12 does not have follows here, one loop an instruction; so does fmadd, which the library rounds twice.
#pragma once

#include_next <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <string.h>

namespace simde_more {

template <class To, class From>
static inline To as(const From& from) noexcept {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &from, sizeof(to));
  return to;
}

template <class T, size_t n>
struct Lanes {
  T lane[n];
};

}  // namespace simde_more

#define KINGLET_SIMDE_MAP(RESULT, FROM, TO, COUNT, ARGUMENT, EXPRESSION)      \
  const auto from = simde_more::as<simde_more::Lanes<FROM, COUNT>>(ARGUMENT); \
  simde_more::Lanes<TO, COUNT> to;                                            \
  for (int i = 0; i < COUNT; ++i) to.lane[i] = EXPRESSION;                    \
  return simde_more::as<RESULT>(to)

static inline __m256i simde_more_mm512_cvtepi32_epi16(__m512i a) noexcept {
  KINGLET_SIMDE_MAP(__m256i, int32_t, int16_t, 16, a, static_cast<int16_t>(from.lane[i]));
}
static inline __m128i simde_more_mm512_cvtepi32_epi8(__m512i a) noexcept {
  KINGLET_SIMDE_MAP(__m128i, int32_t, int8_t, 16, a, static_cast<int8_t>(from.lane[i]));
}
static inline __m512 simde_more_mm512_cvtepi32_ps(__m512i a) noexcept {
  KINGLET_SIMDE_MAP(__m512, int32_t, float, 16, a, static_cast<float>(from.lane[i]));
}
static inline __m512i simde_more_mm512_cvtepi8_epi32(__m128i a) noexcept {
  KINGLET_SIMDE_MAP(__m512i, int8_t, int32_t, 16, a, from.lane[i]);
}
static inline __m512i simde_more_mm512_cvtepu16_epi32(__m256i a) noexcept {
  KINGLET_SIMDE_MAP(__m512i, uint16_t, int32_t, 16, a, from.lane[i]);
}
static inline __m512i simde_more_mm512_cvtps_epi32(__m512 a) noexcept {
  KINGLET_SIMDE_MAP(__m512i, float, int32_t, 16, a, static_cast<int32_t>(__builtin_rintf(from.lane[i])));
}
static inline __m512 simde_more_mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) noexcept {
  const auto y = simde_more::as<simde_more::Lanes<float, 16>>(b);
  const auto z = simde_more::as<simde_more::Lanes<float, 16>>(c);
  KINGLET_SIMDE_MAP(__m512, float, float, 16, a, __builtin_fmaf(from.lane[i], y.lane[i], z.lane[i]));
}
static inline __m512 simde_more_mm512_moveldup_ps(__m512 a) noexcept {
  KINGLET_SIMDE_MAP(__m512, float, float, 16, a, from.lane[i & ~1]);
}
static inline __m512 simde_more_mm512_movehdup_ps(__m512 a) noexcept {
  KINGLET_SIMDE_MAP(__m512, float, float, 16, a, from.lane[i | 1]);
}
static inline __m512 simde_more_mm512_permute_ps(__m512 a, int order) noexcept {
  KINGLET_SIMDE_MAP(__m512, float, float, 16, a, from.lane[(i & ~3) + ((order >> (2 * (i & 3))) & 3)]);
}
static inline __m512i simde_more_mm512_srai_epi32(__m512i a, unsigned n) noexcept {
  KINGLET_SIMDE_MAP(__m512i, int32_t, int32_t, 16, a, from.lane[i] >> n);
}
#undef KINGLET_SIMDE_MAP

static inline __m512 simde_more_mm512_cvtph_ps(__m256i a) noexcept {
  const auto halves = simde_more::as<simde_more::Lanes<__m128i, 2>>(a);
  return simde_more::as<__m512>(
      simde_more::Lanes<__m256, 2>{{_mm256_cvtph_ps(halves.lane[0]), _mm256_cvtph_ps(halves.lane[1])}});
}
static inline __m256i simde_more_mm512_cvtps_ph(__m512 a, int) noexcept {
  const auto halves = simde_more::as<simde_more::Lanes<__m256, 2>>(a);
  return simde_more::as<__m256i>(
      simde_more::Lanes<__m128i, 2>{{_mm256_cvtps_ph(halves.lane[0], _MM_FROUND_TO_NEAREST_INT),
                                     _mm256_cvtps_ph(halves.lane[1], _MM_FROUND_TO_NEAREST_INT)}});
}
static inline __m256 simde_more_mm512_extractf32x8_ps(__m512 a, int which) noexcept {
  return simde_more::as<simde_more::Lanes<__m256, 2>>(a).lane[which];
}
static inline __m512 simde_more_mm512_maskz_loadu_ps(unsigned mask, const float* p) noexcept {
  simde_more::Lanes<float, 16> to{};
  for (unsigned i = 0; i < 16; ++i) {
    if ((mask >> i & 1U) != 0) to.lane[i] = p[i];
  }
  return simde_more::as<__m512>(to);
}
static inline void simde_more_mm512_mask_storeu_ps(float* p, unsigned mask, __m512 a) noexcept {
  const auto from = simde_more::as<simde_more::Lanes<float, 16>>(a);
  for (unsigned i = 0; i < 16; ++i) {
    if ((mask >> i & 1U) != 0) p[i] = from.lane[i];
  }
}
static inline __m512i simde_more_mm512_i32gather_epi32(__m512i offsets, const void* first, int scale) noexcept {
  const auto at = simde_more::as<simde_more::Lanes<int32_t, 16>>(offsets);
  simde_more::Lanes<int32_t, 16> to;
  for (int i = 0; i < 16; ++i) {
    memcpy(&to.lane[i], static_cast<const char*>(first) + int64_t{at.lane[i]} * scale, sizeof(int32_t));
  }
  return simde_more::as<__m512i>(to);
}
static inline int simde_more_mm512_reduce_add_epi32(__m512i a) noexcept {
  const auto from = simde_more::as<simde_more::Lanes<int32_t, 16>>(a);
  int sum = 0;
  for (const int32_t lane : from.lane) sum += lane;
  return sum;
}
static inline float simde_more_mm512_reduce_max_ps(__m512 a) noexcept {
  const auto from = simde_more::as<simde_more::Lanes<float, 16>>(a);
  float top = from.lane[0];
  for (const float lane : from.lane) top = lane > top ? lane : top;
  return top;
}

// The compiler declares these too, for CPUs that have them.
#undef _mm512_cvtepi32_epi16
#define _mm512_cvtepi32_epi16 simde_more_mm512_cvtepi32_epi16
#undef _mm512_cvtepi32_epi8
#define _mm512_cvtepi32_epi8 simde_more_mm512_cvtepi32_epi8
#undef _mm512_cvtepi32_ps
#define _mm512_cvtepi32_ps simde_more_mm512_cvtepi32_ps
#undef _mm512_cvtepi8_epi32
#define _mm512_cvtepi8_epi32 simde_more_mm512_cvtepi8_epi32
#undef _mm512_cvtepu16_epi32
#define _mm512_cvtepu16_epi32 simde_more_mm512_cvtepu16_epi32
#undef _mm512_cvtps_epi32
#define _mm512_cvtps_epi32 simde_more_mm512_cvtps_epi32
#undef _mm512_fmadd_ps
#define _mm512_fmadd_ps simde_more_mm512_fmadd_ps
#undef _mm512_moveldup_ps
#define _mm512_moveldup_ps simde_more_mm512_moveldup_ps
#undef _mm512_movehdup_ps
#define _mm512_movehdup_ps simde_more_mm512_movehdup_ps
#undef _mm512_permute_ps
#define _mm512_permute_ps simde_more_mm512_permute_ps
#undef _mm512_srai_epi32
#define _mm512_srai_epi32 simde_more_mm512_srai_epi32
#undef _mm512_cvtph_ps
#define _mm512_cvtph_ps simde_more_mm512_cvtph_ps
#undef _mm512_cvtps_ph
#define _mm512_cvtps_ph simde_more_mm512_cvtps_ph
#undef _mm512_extractf32x8_ps
#define _mm512_extractf32x8_ps simde_more_mm512_extractf32x8_ps
#undef _mm512_maskz_loadu_ps
#define _mm512_maskz_loadu_ps simde_more_mm512_maskz_loadu_ps
#undef _mm512_mask_storeu_ps
#define _mm512_mask_storeu_ps simde_more_mm512_mask_storeu_ps
#undef _mm512_i32gather_epi32
#define _mm512_i32gather_epi32 simde_more_mm512_i32gather_epi32
#undef _mm512_reduce_add_epi32
#define _mm512_reduce_add_epi32 simde_more_mm512_reduce_add_epi32
#undef _mm512_reduce_max_ps
#define _mm512_reduce_max_ps simde_more_mm512_reduce_max_ps
