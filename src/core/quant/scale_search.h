// How the encoders of the K formats choose scales: weighted least squares over a neighbourhood of the obvious scale.
//
// For given codes the best scale (and minimum) has a closed form; for a given scale the best codes are roundings. Each
// search tries several starting scales, alternates the two, and keeps the smallest weighted squared error; then scales
// are rounded to the few bits that the format has and codes are chosen again for the scales as they will be read.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kinglet::quant {

/// Fills weights[n], what an element's squared error weighs: the root mean square of its group of group_len plus |x|;
/// with an importance matrix importance * sqrt(2 mean square of the block + x^2). (x^2 or |x| alone, which the field
/// has for some of these formats, were measured to give up to a third more plain error: formats_test.cpp.)
void block_weights(const float* x, const float* importance, size_t n, size_t group_len, float* weights) noexcept;

/// value = scale * code - minimum, code in [0, max_code], minimum >= 0.
struct GroupFit {
  float scale;
  float minimum;
};
GroupFit fit_scale_and_minimum(const float* x, const float* weights, size_t n, int max_code) noexcept;

/// Scales and minima as small integers of two shared f16 steps.
struct ScalesAndMinima {
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[16];
  uint8_t minima[16];
};
ScalesAndMinima pack_scales_and_minima(const GroupFit* fits, size_t n_groups, int max_step) noexcept;

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
GroupChoice best_choice(const float* x, const float* weights, size_t n, int max_code, const GroupSteps& start) noexcept;

/// Eight groups of 32 with six-bit scales and minima, as Q4_K and Q5_K pack them.
struct SixBitGroups {
  uint16_t d;
  uint16_t dmin;
  uint8_t packed[12];
  uint8_t codes[256];
};
SixBitGroups fit_six_bit_groups(const float* x, const float* importance, int max_code) noexcept;

/// value = scale * code, code in [-n_negative, n_negative - 1]. The scale may be negative.
float fit_symmetric_scale(const float* x, const float* weights, size_t n, int n_negative) noexcept;

/// Group scales as integers in [-n_steps, n_steps - 1] of a shared f16 step, and the codes for them.
struct SymmetricChoice {
  uint16_t d;
  int8_t scales[16];
  int8_t codes[256];
};
SymmetricChoice pack_symmetric_scales(const float* x, const float* weights, const float* scales, size_t n_groups,
                                      size_t group_len, int n_negative, int n_steps) noexcept;

}  // namespace kinglet::quant
