// How the encoders of the K formats choose scales: weighted least squares from sixteen starting scales at once.
//
// For given codes the best scale (and minimum) has a closed form; for a given scale the best codes are roundings. Each
// lane has a starting scale of its own, rounds, and fits; with a minimum twice. The smallest weighted squared error
// wins. (More rounds were measured to take less than 0.3 % off the error, and none off that of formats without a
// minimum.) Then scales are rounded to the few bits that the format has, together with their neighbours, and codes are
// chosen for the scales as they will be read. Lanes are candidates, not elements; sums over elements go across lanes in
// one order (lanes.h), so that every instruction set gives the same bits. L is Lanes<...> of lanes.h. Internal linkage
// and no library: kernels include it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/quant/float16.h"
#include "core/quant/lanes.h"

namespace kinglet::quant {
namespace {

constexpr size_t kNCandidates = 16;
constexpr int kRounds = 2;

inline float magnitude(float x) noexcept { return x < 0.0F ? -x : x; }

/// The nearest whole number within [low, high], as lanes round.
inline int nearest(float x, int low, int high) noexcept {
  const auto bottom = static_cast<float>(low);
  const auto top = static_cast<float>(high);
  const float above = bottom < x ? x : bottom;
  const float within = above < top ? above : top;
  return static_cast<int>((within + 12582912.0F) - 12582912.0F);
}

/// The first candidate of least error; 0 where all are infinite.
template <class L>
inline size_t place_of_least(const L& errors) noexcept {
  const L least = L::set(least_of(errors));
  const L places = choose(least < errors, L::set(static_cast<float>(kNCandidates)), L::count());
  const auto place = static_cast<size_t>(least_of(places));
  return place < kNCandidates ? place : 0;
}

/// Sum of a[i] b[i]; n is a multiple of the lanes.
template <class L>
inline float dot(const float* a, const float* b, size_t n) noexcept {
  L sum = L::load(a) * L::load(b);
  for (size_t i = L::kLanes; i < n; i += L::kLanes) sum = sum + L::load(a + i) * L::load(b + i);
  return sum_of(sum);
}

/// Least and largest of n values, a multiple of the lanes.
struct Range {
  float low;
  float high;
};
template <class L>
inline Range range_of(const float* x, size_t n) noexcept {
  L low = L::load(x);
  L high = low;
  for (size_t i = L::kLanes; i < n; i += L::kLanes) {
    low = smaller(low, L::load(x + i));
    high = larger(high, L::load(x + i));
  }
  return {least_of(low), -least_of(L::set(0.0F) - high)};
}

/// Fills weights[n], what an element's squared error weighs: the root mean square of its group of group_len plus |x|;
/// with an importance matrix importance * sqrt(2 mean square of the block + x^2). (x^2 or |x| alone, which the field
/// has for some of these formats, were measured to give up to a third more plain error: formats_test.cpp.)
template <class L>
inline void block_weights(const float* x, const float* importance, size_t n, size_t group_len,
                          float* weights) noexcept {
  if (importance != nullptr) {
    const float mean = 2.0F * dot<L>(x, x, n) / static_cast<float>(n);
    for (size_t i = 0; i < n; ++i) weights[i] = importance[i] * __builtin_sqrtf(mean + x[i] * x[i]);
    return;
  }
  for (size_t first = 0; first < n; first += group_len) {
    const float square = dot<L>(x + first, x + first, group_len);
    const float rms = __builtin_sqrtf(square / static_cast<float>(group_len));
    for (size_t i = first; i < first + group_len; ++i) weights[i] = rms + magnitude(x[i]);
  }
}

/// value = scale * code - minimum, code in [0, max_code], minimum >= 0.
struct GroupFit {
  float scale;
  float minimum;
};

/// n <= 32.
template <class L>
inline GroupFit fit_scale_and_minimum(const float* x, const float* weights, size_t n, int max_code) noexcept {
  const Range range = range_of<L>(x, n);
  const float low = range.low < 0.0F ? range.low : 0.0F;
  if (range.high <= low) return {0.0F, -low};
  // Sums are of values above the lowest one, so that they do not cancel: value - low = scale * code - shift, and
  // minimum = shift - low.
  float above[32];
  float weighted_values[32];
  for (size_t i = 0; i < n; ++i) {
    above[i] = x[i] - low;
    weighted_values[i] = weights[i] * above[i];
  }
  L sum_of_weights = L::load(weights);
  L sum_of_values = L::load(weighted_values);
  for (size_t i = L::kLanes; i < n; i += L::kLanes) {
    sum_of_weights = sum_of_weights + L::load(weights + i);
    sum_of_values = sum_of_values + L::load(weighted_values + i);
  }
  const L zero = L::set(0.0F);
  const L top = L::set(static_cast<float>(max_code));
  const L all_w = L::set(sum_of(sum_of_weights));
  const L all_wx = L::set(sum_of(sum_of_values));
  const L all_wxx = L::set(dot<L>(weighted_values, above, n));
  const L least_shift = L::set(low);
  // The range in max_code steps, and somewhat fewer or more.
  L scale = L::set(range.high - low) / (L::set(static_cast<float>(max_code) - 0.9F) + L::count() * L::set(0.125F));
  L shift = zero;
  L least = L::set(__builtin_inff());
  L best_scale = scale;
  L best_shift = shift;
  for (int round = 0; round < kRounds; ++round) {
    const L inverse = L::set(1.0F) / scale;
    L wc = zero;
    L wcc = zero;
    L wcx = zero;
    for (size_t i = 0; i < n; ++i) {
      const L value = L::set(above[i]);
      const L code = rounded_within((value + shift) * inverse, zero, top);
      const L weighted = L::set(weights[i]) * code;
      wc = wc + weighted;
      wcc = wcc + weighted * code;
      wcx = wcx + weighted * value;
    }
    const L determinant = all_w * wcc - wc * wc;
    const L line_scale = (all_w * wcx - wc * all_wx) / determinant;
    const L line_shift = (wc * wcx - wcc * all_wx) / determinant;
    // A minimum below zero cannot be written: the line goes through zero then.
    const auto is_below = line_shift < least_shift;
    const L next_scale = choose(is_below, (wcx + least_shift * wc) / wcc, line_scale);
    const L next_shift = choose(is_below, least_shift, line_shift);
    // Codes that are all one leave nothing to fit: such a lane stays where it is.
    const L usable = choose(zero < determinant, next_scale, zero);
    const auto moves = zero < usable;
    scale = choose(moves, next_scale, scale);
    shift = choose(moves, next_shift, shift);
    // What the codes leave with their new scale and minimum, from the sums.
    const L error =
        all_wxx + scale * (scale * wcc - (wcx + wcx)) + shift * (shift * all_w + (all_wx + all_wx) - scale * (wc + wc));
    const auto is_better = error < least;
    least = choose(is_better, error, least);
    best_scale = choose(is_better, scale, best_scale);
    best_shift = choose(is_better, shift, best_shift);
  }
  float scales[kNCandidates];
  float shifts[kNCandidates];
  best_scale.store(scales);
  best_shift.store(shifts);
  const size_t best = place_of_least(least);
  return {scales[best], shifts[best] - low};
}

/// Scales and minima as small integers of two shared f16 steps.
struct ScalesAndMinima {
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[16];
  uint8_t minima[16];
};
inline ScalesAndMinima pack_scales_and_minima(const GroupFit* fits, size_t n_groups, int max_step) noexcept {
  float top_scale = 0.0F;
  float top_minimum = 0.0F;
  for (size_t g = 0; g < n_groups; ++g) {
    top_scale = fits[g].scale > top_scale ? fits[g].scale : top_scale;
    top_minimum = fits[g].minimum > top_minimum ? fits[g].minimum : top_minimum;
  }
  ScalesAndMinima packed{};
  packed.d = f32_to_f16(top_scale / static_cast<float>(max_step));
  packed.dmin = f32_to_f16(top_minimum / static_cast<float>(max_step));
  const float d = f16_to_f32(packed.d);
  const float dmin = f16_to_f32(packed.dmin);
  for (size_t g = 0; g < n_groups; ++g) {
    packed.scales[g] = static_cast<uint8_t>(d > 0.0F ? nearest(fits[g].scale / d, 0, max_step) : 0);
    packed.minima[g] = static_cast<uint8_t>(dmin > 0.0F ? nearest(fits[g].minimum / dmin, 0, max_step) : 0);
  }
  return packed;
}

/// A group's integers before refinement: value = d scale code - dmin minimum.
struct GroupSteps {
  float d;
  float dmin;
  uint8_t scale;
  uint8_t minimum;
  uint8_t max_step;
};
struct GroupChoice {
  uint8_t scale;
  uint8_t minimum;
  uint8_t codes[32];
};

/// The best integers near the given ones, with their codes. n <= 32.
template <class L>
inline GroupChoice best_choice(const float* x, const float* weights, size_t n, int max_code,
                               const GroupSteps& start) noexcept {
  float scale_steps[kNCandidates];
  float minimum_steps[kNCandidates];
  float inverses[kNCandidates];
  for (size_t i = 0; i < kNCandidates; ++i) {
    // Two steps of the scale and one of the minimum to either side; the sixteenth is one more of the minimum.
    const int scale = start.scale + static_cast<int>((i + 2) % 5) - 2;
    const int minimum = start.minimum + static_cast<int>((i / 5 + 1) % 4) - 1;
    scale_steps[i] = static_cast<float>(scale < 0 ? 0 : scale > start.max_step ? start.max_step : scale);
    minimum_steps[i] = static_cast<float>(minimum < 0 ? 0 : minimum > start.max_step ? start.max_step : minimum);
    const float of_scale = start.d * scale_steps[i];
    inverses[i] = of_scale > 0.0F ? 1.0F / of_scale : 0.0F;
  }
  const L zero = L::set(0.0F);
  const L top = L::set(static_cast<float>(max_code));
  const L scale = L::set(start.d) * L::load(scale_steps);
  const L minimum = L::set(start.dmin) * L::load(minimum_steps);
  const L inverse = L::load(inverses);
  L error = zero;
  for (size_t i = 0; i < n; ++i) {
    const L value = L::set(x[i]);
    const L code = rounded_within((value + minimum) * inverse, zero, top);
    const L off = (scale * code - minimum) - value;
    error = error + L::set(weights[i]) * off * off;
  }
  const size_t best = place_of_least(error);
  GroupChoice choice{static_cast<uint8_t>(scale_steps[best]), static_cast<uint8_t>(minimum_steps[best]), {}};
  const float of_minimum = start.dmin * minimum_steps[best];
  for (size_t i = 0; i < n; ++i) {
    choice.codes[i] = static_cast<uint8_t>(nearest((x[i] + of_minimum) * inverses[best], 0, max_code));
  }
  return choice;
}

/// Eight groups of 32 with six-bit scales and minima, as Q4_K and Q5_K pack them.
struct SixBitGroups {
  uint16_t d;
  uint16_t dmin;
  uint8_t packed[12];
  uint8_t codes[256];
};
template <class L>
inline SixBitGroups fit_six_bit_groups(const float* x, const float* importance, int max_code) noexcept {
  constexpr size_t kGroups = 8;
  constexpr size_t kGroupLen = 32;
  float weights[256];
  block_weights<L>(x, importance, 256, kGroupLen, weights);
  GroupFit fits[kGroups];
  for (size_t g = 0; g < kGroups; ++g) {
    fits[g] = fit_scale_and_minimum<L>(x + g * kGroupLen, weights + g * kGroupLen, kGroupLen, max_code);
  }
  const ScalesAndMinima steps = pack_scales_and_minima(fits, kGroups, 63);
  SixBitGroups result{};
  result.d = steps.d;
  result.dmin = steps.dmin;
  for (unsigned g = 0; g < kGroups; ++g) {
    const GroupChoice choice =
        best_choice<L>(x + g * kGroupLen, weights + g * kGroupLen, kGroupLen, max_code,
                       {f16_to_f32(steps.d), f16_to_f32(steps.dmin), steps.scales[g], steps.minima[g], 63});
    __builtin_memcpy(result.codes + g * kGroupLen, choice.codes, kGroupLen);
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

/// value = scale * code, code in [-n_negative, n_negative - 1]. The scale may be negative.
template <class L>
inline float fit_symmetric_scale(const float* x, const float* weights, size_t n, int n_negative) noexcept {
  const Range range = range_of<L>(x, n);
  const float peak = range.high > -range.low ? range.high : range.low;
  if (peak == 0.0F) return 0.0F;
  // The side with one code more serves the element of largest magnitude; scales around that are tried.
  const L zero = L::set(0.0F);
  const L bottom = L::set(static_cast<float>(-n_negative));
  const L top = L::set(static_cast<float>(n_negative - 1));
  L scale = L::set(-peak) / (L::set(static_cast<float>(n_negative) - 0.9F) + L::count() * L::set(0.125F));
  const L inverse = L::set(1.0F) / scale;
  L wcc = zero;
  L wcx = zero;
  for (size_t i = 0; i < n; ++i) {
    const L value = L::set(x[i]);
    const L code = rounded_within(value * inverse, bottom, top);
    const L weighted = L::set(weights[i]) * code;
    wcc = wcc + weighted * code;
    wcx = wcx + weighted * value;
  }
  // Zero where all codes are, or their products with the values: such a lane stays where it is.
  const auto moves = zero < wcx * wcx * wcc;
  scale = choose(moves, wcx / wcc, scale);
  // The scale that fits the codes takes scale * wcx off the sum of w x^2.
  float scales[kNCandidates];
  scale.store(scales);
  return scales[place_of_least(choose(moves, zero - scale * wcx, zero))];
}

/// Group scales as integers in [-n_steps, n_steps - 1] of a shared f16 step, and the codes for them.
struct SymmetricChoice {
  uint16_t d;
  int8_t scales[16];
  int8_t codes[256];
};
template <class L>
inline SymmetricChoice pack_symmetric_scales(const float* x, const float* weights, const float* scales, size_t n_groups,
                                             size_t group_len, int n_negative, int n_steps) noexcept {
  SymmetricChoice result{};
  float peak = 0.0F;
  for (size_t g = 0; g < n_groups; ++g) {
    if (magnitude(scales[g]) > magnitude(peak)) peak = scales[g];
  }
  result.d = f32_to_f16(-peak / static_cast<float>(n_steps));
  const float d = f16_to_f32(result.d);
  if (d == 0.0F) return result;
  const L zero = L::set(0.0F);
  const L bottom = L::set(static_cast<float>(-n_negative));
  const L top = L::set(static_cast<float>(n_negative - 1));
  for (size_t g = 0; g < n_groups; ++g) {
    const float* group = x + g * group_len;
    const float* of_group = weights + g * group_len;
    const int middle = nearest(scales[g] / d, -n_steps, n_steps - 1);
    float steps[kNCandidates];
    float inverses[kNCandidates];
    for (size_t i = 0; i < kNCandidates; ++i) {
      const int step = middle + static_cast<int>((i + 8) % kNCandidates) - 8;
      steps[i] = static_cast<float>(step < -n_steps ? -n_steps : step >= n_steps ? n_steps - 1 : step);
      const float scale = d * steps[i];
      inverses[i] = scale != 0.0F ? 1.0F / scale : 0.0F;
    }
    const L scale = L::set(d) * L::load(steps);
    const L inverse = L::load(inverses);
    L error = zero;
    for (size_t i = 0; i < group_len; ++i) {
      const L value = L::set(group[i]);
      const L code = rounded_within(value * inverse, bottom, top);
      const L off = scale * code - value;
      error = error + L::set(of_group[i]) * off * off;
    }
    const size_t best = place_of_least(error);
    result.scales[g] = static_cast<int8_t>(steps[best]);
    for (size_t i = 0; i < group_len; ++i) {
      result.codes[g * group_len + i] =
          static_cast<int8_t>(nearest(group[i] * inverses[best], -n_negative, n_negative - 1));
    }
  }
  return result;
}

}  // namespace
}  // namespace kinglet::quant
