// What the peak loops of AVX-512 and its extensions give back, so that no sum is left out.
#pragma once

#include <immintrin.h>
#include <stdint.h>

namespace kinglet::kernels {
namespace {

/// The sum of 16 numbers of 32 bits. Not by _mm512_reduce_add_epi32, which adds signed numbers that may overflow.
inline uint64_t total(__m512i sums) noexcept {
  alignas(64) uint32_t parts[16];
  _mm512_store_si512(parts, sums);
  uint64_t sum = 0;
  for (const uint32_t part : parts) sum += part;
  return sum;
}

}  // namespace
}  // namespace kinglet::kernels
