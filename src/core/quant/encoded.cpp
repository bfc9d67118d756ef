#include "core/quant/encoded.h"

#include <cfloat>
#include <cmath>
#include <cstring>

namespace kinglet::quant {

void encode_activation(Activation activation, const float* x, size_t cols, std::byte* out) noexcept {
  const EncodedLayout layout = encoded_layout(activation, cols);
  if (activation == Activation::kF32) {
    std::memcpy(out, x, cols * sizeof(float));
    return;
  }
  const size_t block_len = activation == Activation::kQ8 ? 32 : 256;
  auto* codes = reinterpret_cast<int8_t*>(out);
  auto* scales = reinterpret_cast<float*>(out + layout.scale_offset);
  for (size_t block = 0; block < cols / block_len; ++block) {
    const float* values = x + block * block_len;
    float peak = 0.0F;
    for (size_t i = 0; i < block_len; ++i) peak = std::fmax(peak, std::fabs(values[i]));
    scales[block] = peak / 127.0F;
    float inverse = scales[block] != 0.0F ? 1.0F / scales[block] : 0.0F;
    if (!(inverse <= FLT_MAX)) inverse = 0.0F;
    for (size_t i = 0; i < block_len; ++i) {
      const float code = std::nearbyint(values[i] * inverse);
      codes[block * block_len + i] = static_cast<int8_t>(std::fmax(-127.0F, std::fmin(127.0F, code)));
    }
  }
  const auto sum_of = [&](size_t first, size_t n) {
    int32_t sum = 0;
    for (size_t i = first; i < first + n; ++i) sum += codes[i];
    return sum;
  };
  if (activation == Activation::kQ8) {
    auto* sums = reinterpret_cast<int32_t*>(out + layout.sum_offset);
    auto* scaled_sums = reinterpret_cast<float*>(out + layout.scaled_sum_offset);
    for (size_t block = 0; block < cols / 32; ++block) {
      sums[block] = sum_of(block * 32, 32);
      scaled_sums[block] = scales[block] * static_cast<float>(sums[block]);
    }
  } else {
    auto* sums = reinterpret_cast<int16_t*>(out + layout.sum_offset);
    for (size_t group = 0; group < cols / 16; ++group) sums[group] = static_cast<int16_t>(sum_of(group * 16, 16));
  }
}

}  // namespace kinglet::quant
