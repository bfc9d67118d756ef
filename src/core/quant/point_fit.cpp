#include "core/quant/point_fit.h"

#include <algorithm>
#include <cmath>

namespace kinglet::quant {
namespace {

constexpr size_t kMaxPoints = 512;

int code_of(uint32_t point, size_t i) noexcept { return static_cast<int>((point >> (8 * i)) & 255U); }

double error_of(const float* x, const float* weights, uint32_t point, float scale) noexcept {
  double error = 0;
  for (size_t i = 0; i < 4; ++i) {
    const double off = static_cast<double>(scale) * code_of(point, i) - x[i];
    error += weights[i] * off * off;
  }
  return error;
}

// Over all points: the sum of w (s code - x)^2 less what no point changes.
size_t nearest_point(const float* x, const float* weights, std::span<const uint32_t> codebook, float scale) noexcept {
  float errors[kMaxPoints];
  const size_t n = codebook.size();
  std::fill_n(errors, n, 0.0F);
  for (size_t i = 0; i < 4; ++i) {
    const float square = weights[i] * scale * scale;
    const float twice = -2.0F * weights[i] * scale * x[i];
    for (size_t p = 0; p < n; ++p) {
      const auto code = static_cast<float>(code_of(codebook[p], i));
      errors[p] += code * (square * code + twice);
    }
  }
  return static_cast<size_t>(std::min_element(errors, errors + n) - errors);
}

}  // namespace

PointChoice nearest_points(const float* x, const float* weights, std::span<const uint32_t> codebook,
                           float scale) noexcept {
  PointChoice choice{};
  for (size_t q = 0; q < 8; ++q) {
    const size_t point = nearest_point(x + 4 * q, weights + 4 * q, codebook, scale);
    choice.points[q] = static_cast<uint16_t>(point);
    choice.error += error_of(x + 4 * q, weights + 4 * q, codebook[point], scale);
  }
  return choice;
}

float fit_point_scale(const float* x, const float* weights, std::span<const uint32_t> codebook, float top) noexcept {
  const float peak = *std::max_element(x, x + 32);
  if (!(peak > 0.0F)) return 0.0F;
  float best = peak / top;
  double least = HUGE_VAL;
  for (int attempt = 0; attempt < 8; ++attempt) {
    const float scale = peak / (top * (0.85F + 0.07F * static_cast<float>(attempt)));
    const PointChoice choice = nearest_points(x, weights, codebook, scale);
    double of_squares = 0;
    double of_products = 0;
    for (size_t i = 0; i < 32; ++i) {
      const double code = code_of(codebook[choice.points[i / 4]], i % 4);
      of_squares += weights[i] * code * code;
      of_products += weights[i] * code * x[i];
    }
    const auto fitted = static_cast<float>(std::max(of_products / of_squares, 0.0));
    double error = 0;
    for (size_t q = 0; q < 8; ++q) error += error_of(x + 4 * q, weights + 4 * q, codebook[choice.points[q]], fitted);
    if (error < least) {
      least = error;
      best = fitted;
    }
  }
  return best;
}

}  // namespace kinglet::quant
