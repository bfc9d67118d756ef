#include "core/quant/listed_fit.h"

#include <algorithm>
#include <cmath>

#include "core/quant/block_rows.h"
#include "core/quant/scale_search.inl.h"

namespace kinglet::quant {
namespace {

uint8_t nearest_code(float x, const int8_t* list) noexcept {
  unsigned best = 0;
  float least = std::abs(x - static_cast<float>(list[0]));
  for (unsigned code = 1; code < 16; ++code) {
    const float off = std::abs(x - static_cast<float>(list[code]));
    if (off < least) {
      least = off;
      best = code;
    }
  }
  return static_cast<uint8_t>(best);
}

}  // namespace

void fill_fit_weights(const float* x, const float* importance, size_t n, float* weights) noexcept {
  if (importance == nullptr) {
    std::fill_n(weights, n, 1.0F);
  } else {
    block_weights<Lanes<16>>(x, importance, n, n, weights);
  }
}

double listed_codes(const float* x, const float* weights, size_t n, const int8_t* list, float scale,
                    uint8_t* codes) noexcept {
  const float inverse = inverse_of(scale);
  double error = 0;
  for (size_t i = 0; i < n; ++i) {
    const uint8_t code = nearest_code(x[i] * inverse, list);
    if (codes != nullptr) codes[i] = code;
    const double off = static_cast<double>(scale) * list[code] - x[i];
    error += weights[i] * off * off;
  }
  return error;
}

float fit_listed_scale(const float* x, const float* weights, size_t n, const int8_t* list) noexcept {
  const float peak = signed_peak(x, n);
  if (peak == 0.0F) return 0.0F;
  float best = 0.0F;
  double least = HUGE_VAL;
  for (int attempt = -8; attempt <= 8; ++attempt) {
    // Either sign of the scale: lists are not symmetric.
    for (const float sign : {1.0F, -1.0F}) {
      float scale = sign * peak / (static_cast<float>(list[0]) * (1.0F + 0.015F * static_cast<float>(attempt)));
      for (int round = 0; round < 2; ++round) {
        const float inverse = inverse_of(scale);
        double of_squares = 0;
        double of_products = 0;
        for (size_t i = 0; i < n; ++i) {
          const double value = list[nearest_code(x[i] * inverse, list)];
          of_squares += weights[i] * value * value;
          of_products += weights[i] * value * x[i];
        }
        if (!(of_squares > 0)) break;
        scale = static_cast<float>(of_products / of_squares);
        const double error = listed_codes(x, weights, n, list, scale, nullptr);
        if (error < least) {
          least = error;
          best = scale;
        }
      }
    }
  }
  return best;
}

void pack_halves(const uint8_t* codes, size_t n, uint8_t* bytes) noexcept {
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<uint8_t>(codes[i] | (codes[i + n] << 4));
}

}  // namespace kinglet::quant
