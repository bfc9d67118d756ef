#include <immintrin.h>

#include "core/kernels/avx512/peak_total.h"
#include "core/kernels/peak_loops.h"

namespace kinglet::kernels {
namespace {

constexpr int kChains = 16;

uint64_t read(const std::byte* data, size_t n_bytes) noexcept {
  __m512i sums[8];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  for (size_t i = 0; i < n_bytes; i += sizeof(sums)) {
    for (size_t j = 0; j < 8; ++j) sums[j] = _mm512_xor_si512(sums[j], _mm512_load_si512(data + i + j * 64));
  }
  for (int j = 1; j < 8; ++j) sums[0] = _mm512_xor_si512(sums[0], sums[j]);
  return total(sums[0]);
}

uint64_t f32(size_t n_rounds) noexcept {
  const __m512 factor = _mm512_set1_ps(0.75F);
  const __m512 summand = _mm512_set1_ps(0.5F);
  __m512 sums[kChains];
  for (int j = 0; j < kChains; ++j) sums[j] = _mm512_set1_ps(static_cast<float>(j));
  for (size_t i = 0; i < n_rounds; ++i) {
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(sum, factor, summand);
  }
  for (int j = 1; j < kChains; ++j) sums[0] = _mm512_add_ps(sums[0], sums[j]);
  return total(_mm512_cvtps_epi32(sums[0]));
}

uint64_t int8(size_t n_rounds) noexcept {
  __m512i codes = _mm512_set1_epi8(3);
  const __m512i weights = _mm512_set1_epi8(5);
  const __m512i ones = _mm512_set1_epi16(1);
  __m512i sums[kChains];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  for (size_t i = 0; i < n_rounds; ++i) {
    for (__m512i& sum : sums) {
      asm volatile("" : "+v"(codes));  // else one product would do for all rounds
      sum = _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(codes, weights), ones));
    }
  }
  for (int j = 1; j < kChains; ++j) sums[0] = _mm512_add_epi32(sums[0], sums[j]);
  return total(sums[0]);
}

}  // namespace

void fill_avx512_peaks(PeakKernels& peaks) noexcept {
  peaks.read = read;
  peaks.f32 = {f32, kChains * 16 * 2};
  peaks.int8 = {int8, kChains * 64 * 2};
}

}  // namespace kinglet::kernels
