// Frequencies of rotary embedding under the scalings that files name.
// Sources: linear, Chen et al. arXiv 2306.15595; dynamic, bloc97's NTK-aware scaling as transformers has it; yarn, Peng
// et al. arXiv 2309.00071; longrope, Ding et al. arXiv 2402.13753. Published models are computed with f32 frequencies,
// so each step is rounded to f32 where transformers does.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "model/format/hf_config.h"
#include "model/models/config.h"

namespace kinglet::models {
namespace {

// The pair whose wavelength fits `turns` times into the original context.
double pair_with_turns(const RopeConfig& rope, double turns) {
  const auto context = static_cast<double>(rope.original_context_len);
  return static_cast<double>(rope.n_rot) * std::log(context / (turns * 2.0 * std::numbers::pi)) /
         (2.0 * std::log(rope.base));
}

// base^(2 i / n_rot) of pair i: radians are positions divided by it.
float period(double base, size_t pair, size_t n_rot) {
  const float exponent = static_cast<float>(2 * pair) / static_cast<float>(n_rot);
  return static_cast<float>(std::pow(base, static_cast<double>(exponent)));
}

ops::RopeFrequencies yarn(const RopeConfig& rope, std::span<const float> factors) {
  double low = pair_with_turns(rope, rope.beta_fast);
  double high = pair_with_turns(rope, rope.beta_slow);
  if (rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(rope.n_rot) - 1.0);
  if (low == high) high += 0.001;  // as published: no division by zero
  ops::RopeFrequencies result;
  for (size_t i = 0; i < rope.n_rot / 2; ++i) {
    const float turn = period(rope.base, i, rope.n_rot) * (factors.empty() ? 1.0F : factors[i]);
    const float stretched = 1.0F / (static_cast<float>(rope.factor) * turn);
    const float ramp = (static_cast<float>(i) - static_cast<float>(low)) / static_cast<float>(high - low);
    const float plain_part = 1.0F - std::clamp(ramp, 0.0F, 1.0F);
    result.inverse.push_back(stretched * (1.0F - plain_part) + 1.0F / turn * plain_part);
  }
  result.magnitude = static_cast<float>(format::yarn_magnitude(rope.factor) * rope.attention_factor);
  return result;
}

// Frequencies of the base and its divisors.
float inverse_of(const RopeConfig& rope, double base, size_t pair, std::span<const float> factors) {
  const double divisor = rope.scaling == RopeScaling::kLinear ? rope.factor : 1.0;
  const float factor = factors.empty() ? 1.0F : factors[pair];
  return 1.0F / period(base, pair, rope.n_rot) / (static_cast<float>(divisor) * factor);
}

// The base of a sequence over the original context: it grows with the length.
double dynamic_base(const RopeConfig& rope, size_t length) {
  const auto n_rot = static_cast<double>(rope.n_rot);
  const double stretch =
      rope.factor * static_cast<double>(length) / static_cast<double>(rope.original_context_len) - (rope.factor - 1.0);
  return rope.base * std::pow(stretch, n_rot / (n_rot - 2.0));
}

}  // namespace

ops::RopeFrequencies rope_frequencies(const RopeConfig& rope, std::span<const float> factors,
                                      std::span<const float> long_factors) {
  if (rope.scaling == RopeScaling::kYarn) return yarn(rope, factors);
  ops::RopeFrequencies result;
  for (size_t i = 0; i < rope.n_rot / 2; ++i) result.inverse.push_back(inverse_of(rope, rope.base, i, factors));
  if (rope.scaling == RopeScaling::kDynamic) {
    result.border = rope.original_context_len;
    const std::vector<float> kept(factors.begin(), factors.end());
    result.inverse_beyond = [rope, kept](size_t length, size_t pair) {
      return inverse_of(rope, dynamic_base(rope, length), pair, kept);
    };
  } else if (rope.scaling == RopeScaling::kLongrope) {
    result.magnitude = static_cast<float>(rope.attention_factor);
    result.border = rope.original_context_len;
    std::vector<float> beyond;
    for (size_t i = 0; i < rope.n_rot / 2; ++i) beyond.push_back(inverse_of(rope, rope.base, i, long_factors));
    result.inverse_beyond = [beyond](size_t, size_t pair) { return beyond[pair]; };
  }
  return result;
}

}  // namespace kinglet::models
