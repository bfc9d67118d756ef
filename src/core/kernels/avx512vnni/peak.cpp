#include <immintrin.h>

#include "core/kernels/avx512/peak_total.h"
#include "core/kernels/peak_loops.h"

namespace kinglet::kernels {
namespace {

constexpr int kChains = 16;

uint64_t int8(size_t n_rounds) noexcept {
  const __m512i codes = _mm512_set1_epi8(3);
  const __m512i weights = _mm512_set1_epi8(5);
  __m512i sums[kChains];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  for (size_t i = 0; i < n_rounds; ++i) {
    for (__m512i& sum : sums) sum = _mm512_dpbusd_epi32(sum, codes, weights);
  }
  for (int j = 1; j < kChains; ++j) sums[0] = _mm512_add_epi32(sums[0], sums[j]);
  return total(sums[0]);
}

}  // namespace

void fill_avx512vnni_peaks(PeakKernels& peaks) noexcept { peaks.int8 = {int8, kChains * 64 * 2}; }

}  // namespace kinglet::kernels
