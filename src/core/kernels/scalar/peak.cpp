#include <cstring>

#include "core/kernels/peak_loops.h"

namespace kinglet::kernels {
namespace {

constexpr size_t kChains = 8;  // enough to hide the latency of each

uint64_t read(const std::byte* data, size_t n_bytes) noexcept {
  uint64_t sums[kChains] = {};
  for (size_t i = 0; i < n_bytes; i += sizeof(sums)) {
    uint64_t words[kChains];
    std::memcpy(words, data + i, sizeof(words));
    for (size_t j = 0; j < kChains; ++j) sums[j] ^= words[j];
  }
  uint64_t sum = 0;
  for (const uint64_t part : sums) sum ^= part;
  return sum;
}

uint64_t f32(size_t n_rounds) noexcept {
  float sums[kChains];
  for (size_t j = 0; j < kChains; ++j) sums[j] = static_cast<float>(j);
  for (size_t i = 0; i < n_rounds; ++i) {
    for (float& sum : sums) sum = sum * 0.75F + 0.5F;
  }
  float total = 0;
  for (const float sum : sums) total += sum;
  return static_cast<uint64_t>(total);
}

uint64_t int8(size_t n_rounds) noexcept {
  uint32_t sums[kChains] = {};
  for (size_t i = 0; i < n_rounds; ++i) {
    const auto x = static_cast<uint8_t>(i);
    for (size_t j = 0; j < kChains; ++j) sums[j] += uint32_t{x} * static_cast<uint8_t>(sums[j] + j);
  }
  uint64_t total = 0;
  for (const uint32_t sum : sums) total += sum;
  return total;
}

}  // namespace

void fill_scalar_peaks(PeakKernels& peaks) noexcept {
  peaks.read = read;
  peaks.f32 = {f32, kChains * 2};
  peaks.int8 = {int8, kChains * 2};
}

}  // namespace kinglet::kernels
