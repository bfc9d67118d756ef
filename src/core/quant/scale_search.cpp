#include "core/quant/scale_search.h"

#include <algorithm>
#include <cmath>

#include "core/quant/float16.h"

namespace kinglet::quant {
namespace {

int nearest(float x) noexcept { return static_cast<int>(std::lrint(x)); }

// Weighted sums over a group for given codes: what the normal equations need.
struct Sums {
  double w = 0, wx = 0, wc = 0, wcc = 0, wcx = 0;
  void add(float weight, float x, int code) noexcept {
    const double of = weight;
    w += of;
    wx += of * x;
    wc += of * code;
    wcc += of * code * code;
    wcx += of * code * x;
  }
};

double error_with(const float* x, const float* weights, size_t n, int max_code, float scale, float minimum,
                  uint8_t* codes) noexcept {
  const float inverse = scale > 0.0F ? 1.0F / scale : 0.0F;
  double error = 0;
  for (size_t i = 0; i < n; ++i) {
    const int code = std::clamp(nearest((x[i] + minimum) * inverse), 0, max_code);
    if (codes != nullptr) codes[i] = static_cast<uint8_t>(code);
    const double off = static_cast<double>(scale) * code - minimum - x[i];
    error += weights[i] * off * off;
  }
  return error;
}

double symmetric_error(const float* x, const float* weights, size_t n, int n_negative, float scale,
                       int8_t* codes) noexcept {
  const float inverse = scale != 0.0F ? 1.0F / scale : 0.0F;
  double error = 0;
  for (size_t i = 0; i < n; ++i) {
    const int code = std::clamp(nearest(x[i] * inverse), -n_negative, n_negative - 1);
    if (codes != nullptr) codes[i] = static_cast<int8_t>(code);
    const double off = static_cast<double>(scale) * code - x[i];
    error += weights[i] * off * off;
  }
  return error;
}

}  // namespace

void block_weights(const float* x, const float* importance, size_t n, size_t group_len, float* weights) noexcept {
  if (importance != nullptr) {
    double square = 0;
    for (size_t i = 0; i < n; ++i) square += static_cast<double>(x[i]) * x[i];
    const auto mean = static_cast<float>(2.0 * square / static_cast<double>(n));
    for (size_t i = 0; i < n; ++i) weights[i] = importance[i] * std::sqrt(mean + x[i] * x[i]);
    return;
  }
  for (size_t first = 0; first < n; first += group_len) {
    double square = 0;
    for (size_t i = first; i < first + group_len; ++i) square += static_cast<double>(x[i]) * x[i];
    const auto rms = static_cast<float>(std::sqrt(square / static_cast<double>(group_len)));
    for (size_t i = first; i < first + group_len; ++i) weights[i] = rms + std::abs(x[i]);
  }
}

GroupFit fit_scale_and_minimum(const float* x, const float* weights, size_t n, int max_code) noexcept {
  const auto [lowest, highest] = std::minmax_element(x, x + n);
  const float low = std::min(*lowest, 0.0F);
  if (*highest <= low) return {0.0F, -low};
  // Starting scales: the range in max_code steps, and somewhat fewer or more.
  constexpr int kTries = 20;
  GroupFit best{(*highest - low) / static_cast<float>(max_code), -low};
  double least = error_with(x, weights, n, max_code, best.scale, best.minimum, nullptr);
  for (int attempt = 0; attempt <= kTries; ++attempt) {
    const float steps = static_cast<float>(max_code) - 1.0F + 0.1F * static_cast<float>(attempt);
    GroupFit fit{(*highest - low) / std::max(steps, 0.5F), -low};
    for (int round = 0; round < 3; ++round) {
      Sums sums;
      const float inverse = 1.0F / fit.scale;
      for (size_t i = 0; i < n; ++i) {
        sums.add(weights[i], x[i], std::clamp(nearest((x[i] + fit.minimum) * inverse), 0, max_code));
      }
      const double determinant = sums.w * sums.wcc - sums.wc * sums.wc;
      if (determinant <= 0) break;
      double scale = (sums.w * sums.wcx - sums.wc * sums.wx) / determinant;
      double minimum = (sums.wc * sums.wcx - sums.wcc * sums.wx) / determinant;
      if (minimum < 0) {
        minimum = 0;
        scale = sums.wcc > 0 ? sums.wcx / sums.wcc : 0;
      }
      if (scale <= 0) break;
      fit = {static_cast<float>(scale), static_cast<float>(minimum)};
      const double error = error_with(x, weights, n, max_code, fit.scale, fit.minimum, nullptr);
      if (error < least) {
        least = error;
        best = fit;
      }
    }
  }
  return best;
}

ScalesAndMinima pack_scales_and_minima(const GroupFit* fits, size_t n_groups, int max_step) noexcept {
  float top_scale = 0.0F;
  float top_minimum = 0.0F;
  for (size_t g = 0; g < n_groups; ++g) {
    top_scale = std::max(top_scale, fits[g].scale);
    top_minimum = std::max(top_minimum, fits[g].minimum);
  }
  ScalesAndMinima packed{};
  packed.d = f32_to_f16(top_scale / static_cast<float>(max_step));
  packed.dmin = f32_to_f16(top_minimum / static_cast<float>(max_step));
  const float d = f16_to_f32(packed.d);
  const float dmin = f16_to_f32(packed.dmin);
  for (size_t g = 0; g < n_groups; ++g) {
    packed.scales[g] = static_cast<uint8_t>(d > 0.0F ? std::clamp(nearest(fits[g].scale / d), 0, max_step) : 0);
    packed.minima[g] = static_cast<uint8_t>(dmin > 0.0F ? std::clamp(nearest(fits[g].minimum / dmin), 0, max_step) : 0);
  }
  return packed;
}

GroupChoice best_choice(const float* x, const float* weights, size_t n, int max_code,
                        const GroupSteps& start) noexcept {
  GroupChoice best{start.scale, start.minimum, {}};
  double least = HUGE_VAL;
  for (int ds = -1; ds <= 1; ++ds) {
    for (int dm = -1; dm <= 1; ++dm) {
      const int scale = start.scale + ds;
      const int minimum = start.minimum + dm;
      if (scale < 0 || scale > start.max_step || minimum < 0 || minimum > start.max_step) continue;
      GroupChoice choice{static_cast<uint8_t>(scale), static_cast<uint8_t>(minimum), {}};
      const double error = error_with(x, weights, n, max_code, start.d * static_cast<float>(scale),
                                      start.dmin * static_cast<float>(minimum), choice.codes);
      if (error < least) {
        least = error;
        best = choice;
      }
    }
  }
  return best;
}

SixBitGroups fit_six_bit_groups(const float* x, const float* importance, int max_code) noexcept {
  constexpr size_t kGroups = 8;
  constexpr size_t kGroupLen = 32;
  float weights[256];
  block_weights(x, importance, 256, kGroupLen, weights);
  GroupFit fits[kGroups];
  for (size_t g = 0; g < kGroups; ++g) {
    fits[g] = fit_scale_and_minimum(x + g * kGroupLen, weights + g * kGroupLen, kGroupLen, max_code);
  }
  const ScalesAndMinima steps = pack_scales_and_minima(fits, kGroups, 63);
  SixBitGroups result{};
  result.d = steps.d;
  result.dmin = steps.dmin;
  for (unsigned g = 0; g < kGroups; ++g) {
    const GroupChoice choice =
        best_choice(x + g * kGroupLen, weights + g * kGroupLen, kGroupLen, max_code,
                    {f16_to_f32(steps.d), f16_to_f32(steps.dmin), steps.scales[g], steps.minima[g], 63});
    std::copy_n(choice.codes, kGroupLen, result.codes + g * kGroupLen);
    if (g < 4) {
      result.packed[g] = static_cast<uint8_t>(result.packed[g] | choice.scale);
      result.packed[g + 4] = static_cast<uint8_t>(result.packed[g + 4] | choice.minimum);
    } else {
      result.packed[g + 4] = static_cast<uint8_t>((choice.scale & 15) | ((choice.minimum & 15) << 4));
      result.packed[g - 4] = static_cast<uint8_t>(result.packed[g - 4] | ((choice.scale >> 4) << 6));
      result.packed[g] = static_cast<uint8_t>(result.packed[g] | ((choice.minimum >> 4) << 6));
    }
  }
  return result;
}

float fit_symmetric_scale(const float* x, const float* weights, size_t n, int n_negative) noexcept {
  float peak = 0.0F;
  for (size_t i = 0; i < n; ++i) {
    if (std::abs(x[i]) > std::abs(peak)) peak = x[i];
  }
  if (peak == 0.0F) return 0.0F;
  // The side with one code more serves the element of largest magnitude; a few scales around that are tried.
  float best = -peak / static_cast<float>(n_negative);
  double least = symmetric_error(x, weights, n, n_negative, best, nullptr);
  for (int attempt = -9; attempt <= 9; ++attempt) {
    float scale = -peak / (static_cast<float>(n_negative) + 0.1F * static_cast<float>(attempt));
    for (int round = 0; round < 3; ++round) {
      const float inverse = 1.0F / scale;
      double wcc = 0;
      double wcx = 0;
      for (size_t i = 0; i < n; ++i) {
        const int code = std::clamp(nearest(x[i] * inverse), -n_negative, n_negative - 1);
        wcc += static_cast<double>(weights[i]) * code * code;
        wcx += static_cast<double>(weights[i]) * code * x[i];
      }
      if (wcc <= 0 || wcx == 0) break;
      scale = static_cast<float>(wcx / wcc);
      const double error = symmetric_error(x, weights, n, n_negative, scale, nullptr);
      if (error < least) {
        least = error;
        best = scale;
      }
    }
  }
  return best;
}

SymmetricChoice pack_symmetric_scales(const float* x, const float* weights, const float* scales, size_t n_groups,
                                      size_t group_len, int n_negative, int n_steps) noexcept {
  SymmetricChoice result{};
  float peak = 0.0F;
  for (size_t g = 0; g < n_groups; ++g) {
    if (std::abs(scales[g]) > std::abs(peak)) peak = scales[g];
  }
  result.d = f32_to_f16(-peak / static_cast<float>(n_steps));
  const float d = f16_to_f32(result.d);
  if (d == 0.0F) return result;
  for (size_t g = 0; g < n_groups; ++g) {
    const float* group = x + g * group_len;
    const float* of_group = weights + g * group_len;
    const int middle = nearest(scales[g] / d);
    double least = HUGE_VAL;
    for (int step = middle - 1; step <= middle + 1; ++step) {
      if (step < -n_steps || step >= n_steps) continue;
      int8_t codes[32];
      const double error = symmetric_error(group, of_group, group_len, n_negative, d * static_cast<float>(step), codes);
      if (error >= least) continue;
      least = error;
      result.scales[g] = static_cast<int8_t>(step);
      std::copy_n(codes, group_len, result.codes + g * group_len);
    }
  }
  return result;
}

}  // namespace kinglet::quant
