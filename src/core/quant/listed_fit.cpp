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
  using L = Lanes<16>;
  const float peak = signed_peak(x, n);
  if (peak == 0.0F) return 0.0F;
  // The number of the list for a value: each border that the value is above adds the step to the next number.
  L borders[15];
  L steps[15];
  for (size_t i = 0; i < 15; ++i) {
    borders[i] = L::set(0.5F * static_cast<float>(list[i] + list[i + 1]));
    steps[i] = L::set(static_cast<float>(list[i + 1] - list[i]));
  }
  const L zero = L::set(0.0F);
  float best = 0.0F;
  float least = 0.0F;
  // Either sign of the scale: lists are not symmetric. A lane has a start of its own, as in scale_search.inl.h.
  for (const float sign : {1.0F, -1.0F}) {
    const L start = (L::count() - L::set(8.0F)) * L::set(0.015F) + L::set(1.0F);
    L scale = L::set(sign * peak / static_cast<float>(list[0])) / start;
    const L inverse = L::set(1.0F) / scale;
    L of_squares = zero;
    L of_products = zero;
    for (size_t i = 0; i < n; ++i) {
      const L value = L::set(x[i]);
      const L wanted = value * inverse;
      L number = L::set(static_cast<float>(list[0]));
      for (size_t k = 0; k < 15; ++k) number = number + choose(borders[k] < wanted, steps[k], zero);
      const L weighted = L::set(weights[i]) * number;
      of_squares = of_squares + weighted * number;
      of_products = of_products + weighted * value;
    }
    // The scale that fits the numbers takes scale * of_products off the sum of w x^2.
    const auto is_usable = zero < of_products * of_products * of_squares;
    scale = of_products / of_squares;
    const L error = choose(is_usable, zero - scale * of_products, zero);
    const size_t place = place_of_least(error);
    float errors[L::kLanes];
    float scales[L::kLanes];
    error.store(errors);
    scale.store(scales);
    if (errors[place] < least) {
      least = errors[place];
      best = scales[place];
    }
  }
  return best;
}

void pack_halves(const uint8_t* codes, size_t n, uint8_t* bytes) noexcept {
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<uint8_t>(codes[i] | (codes[i + n] << 4));
}

}  // namespace kinglet::quant
