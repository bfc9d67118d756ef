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
  const size_t sum_len = activation == Activation::kQ8 ? 32 : 16;
  auto* codes = reinterpret_cast<int8_t*>(out);
  auto* scales = reinterpret_cast<float*>(out + layout.scale_offset);
  auto* sums = reinterpret_cast<int32_t*>(out + layout.sum_offset);
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
  for (size_t group = 0; group < cols / sum_len; ++group) {
    int32_t sum = 0;
    for (size_t i = 0; i < sum_len; ++i) sum += codes[group * sum_len + i];
    sums[group] = sum;
  }
}

}  // namespace kinglet::quant
