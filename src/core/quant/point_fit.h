// The best points of a codebook (kGridIQ3XXS or kGridIQ3S) for 32 magnitudes: what the encoders of IQ3_XXS and IQ3_S
// search with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace kinglet::quant {

/// Eight points of a codebook for 32 values, four each, and their weighted squared error.
struct PointChoice {
  uint16_t points[8];
  double error;
};

/// The nearest points (of the sixteen around each place) for value = scale * code. scale >= 0; a value below 0 wants
/// the smallest code.
PointChoice nearest_points(const float* x, const float* weights, std::span<const uint32_t> codebook,
                           float scale) noexcept;

/// The scale of the least error among several starts around peak / top, each improved by least squares. >= 0.
float fit_point_scale(const float* x, const float* weights, std::span<const uint32_t> codebook, float top) noexcept;

}  // namespace kinglet::quant
