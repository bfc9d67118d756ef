#include <immintrin.h>

#include "core/kernels/avx512/peak_total.h"
#include "core/kernels/peak_loops.h"

namespace kinglet::kernels {
namespace {

constexpr int kChains = 16;

uint64_t bf16(size_t n_rounds) noexcept {
  const __m512bh values = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5F), _mm512_set1_ps(0.25F));
  const __m512bh weights = _mm512_cvtne2ps_pbh(_mm512_set1_ps(-1.0F), _mm512_set1_ps(2.0F));
  __m512 sums[kChains];
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  for (size_t i = 0; i < n_rounds; ++i) {
    for (__m512& sum : sums) sum = _mm512_dpbf16_ps(sum, values, weights);
  }
  for (int j = 1; j < kChains; ++j) sums[0] = _mm512_add_ps(sums[0], sums[j]);
  return total(_mm512_cvtps_epi32(sums[0]));
}

}  // namespace

void fill_avx512bf16_peaks(PeakKernels& peaks) noexcept { peaks.bf16 = {bf16, kChains * 32 * 2}; }

}  // namespace kinglet::kernels
