#include <immintrin.h>

#include "core/kernels/peak_loops.h"

namespace kinglet::kernels {
namespace {

constexpr int kChains = 10;  // two multiply-adds a cycle that take four or five; and registers are 16

// The sum of 8 numbers of 32 bits.
uint64_t total(__m256i sums) noexcept {
  alignas(32) uint32_t parts[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(parts), sums);
  uint64_t sum = 0;
  for (const uint32_t part : parts) sum += part;
  return sum;
}

uint64_t read(const std::byte* data, size_t n_bytes) noexcept {
  __m256i sums[8];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  for (size_t i = 0; i < n_bytes; i += sizeof(sums)) {
    for (size_t j = 0; j < 8; ++j) {
      sums[j] = _mm256_xor_si256(sums[j], _mm256_load_si256(reinterpret_cast<const __m256i*>(data + i + j * 32)));
    }
  }
  for (int j = 1; j < 8; ++j) sums[0] = _mm256_xor_si256(sums[0], sums[j]);
  return total(sums[0]);
}

uint64_t f32(size_t n_rounds) noexcept {
  const __m256 factor = _mm256_set1_ps(0.75F);
  const __m256 summand = _mm256_set1_ps(0.5F);
  __m256 sums[kChains];
  for (int j = 0; j < kChains; ++j) sums[j] = _mm256_set1_ps(static_cast<float>(j));
  for (size_t i = 0; i < n_rounds; ++i) {
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(sum, factor, summand);
  }
  for (int j = 1; j < kChains; ++j) sums[0] = _mm256_add_ps(sums[0], sums[j]);
  return total(_mm256_cvtps_epi32(sums[0]));
}

uint64_t int8(size_t n_rounds) noexcept {
  __m256i codes = _mm256_set1_epi8(3);
  const __m256i weights = _mm256_set1_epi8(5);
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i sums[8];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  for (size_t i = 0; i < n_rounds; ++i) {
    for (__m256i& sum : sums) {
      asm volatile("" : "+x"(codes));  // else one product would do for all rounds
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(codes, weights), ones));
    }
  }
  for (int j = 1; j < 8; ++j) sums[0] = _mm256_add_epi32(sums[0], sums[j]);
  return total(sums[0]);
}

}  // namespace

void fill_avx2_peaks(PeakKernels& peaks) noexcept {
  peaks.read = read;
  peaks.f32 = {f32, kChains * 8 * 2};
  peaks.int8 = {int8, 8 * 32 * 2};
}

}  // namespace kinglet::kernels
