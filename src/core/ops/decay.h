// What operations with a state have in common: their pieces of work, and how fast a state fades. Internal to core/ops.
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "core/ops/op.h"

namespace kinglet::ops {

/// 1 / (1 + e^-x). Few numbers of a row need it, so it comes from libm in double: every instruction set the same.
template <class Real>
Real sigmoid_of(Real x) noexcept {
  return static_cast<Real>(1.0 / (1.0 + std::exp(-static_cast<double>(x))));
}

/// How a head's state fades at a row: with a step of softplus(raw + bias), by e^(rate step). rate < 0.
template <class Real>
struct Decay {
  Real rate;
  Real step;
  Real factor;
  Real step_slope;  ///< Of the step by raw.

  Decay(Real raw, Real bias, Real rate_of_head) noexcept : rate(rate_of_head) {
    const double x = static_cast<double>(raw + bias);
    const double softplus = x > 40.0 ? x : std::log1p(std::exp(x));
    step = static_cast<Real>(softplus);
    factor = static_cast<Real>(std::exp(static_cast<double>(rate) * softplus));
    step_slope = sigmoid_of(raw + bias);
  }
};

/// Element i of a vector weight in the precision of the run.
template <class Real>
Real weight_element(const Run<Real>& run, size_t weight_idx, size_t i) noexcept {
  return static_cast<Real>(reinterpret_cast<const float*>(run.weight(weight_idx).data)[i]);
}

/// The state of a node for a sequence, or null where it begins from zeros and keeps nothing.
template <class Real>
float* kept_state(const Run<Real>& run, const SequenceRows& sequence) noexcept {
  if (sequence.state == nullptr) return nullptr;
  return reinterpret_cast<float*>(sequence.state + run.node.state_offset);
}

/// Where a run goes on: the head's part of the kept state, `size` elements; scratch, zeroed, where none is kept.
/// Kept states are f32, so a run in double begins from zeros.
template <class Real>
Real* state_of_head(const Run<Real>& run, const SequenceRows& sequence, size_t head, size_t size) noexcept {
  if constexpr (std::is_same_v<Real, float>) {
    if (float* kept = kept_state(run, sequence); kept != nullptr) return kept + head * size;
  }
  auto* state = run.template scratch_as<Real>();
  std::fill_n(state, size, Real{0});
  return state;
}

/// Backward of a recurrence walks from the last row to the first and needs the state before each: some are kept, the
/// others computed again, kSegment rows at a time. States are kept one after the other: those where a segment begins,
/// then those of the segment at hand.
inline constexpr size_t kSegment = 16;
/// How many states of scratch that takes.
inline size_t kept_states(size_t n_rows) noexcept { return (n_rows + kSegment - 1) / kSegment + kSegment + 1; }

/// `advance(before, after, t)` computes the state after row t of n_rows; `back(before, after, t)` is called for rows
/// from the last to the first. States have `size` elements; scratch kept_states(n_rows) of them.
template <class Real, class Advance, class Back>
void walk_back(size_t n_rows, size_t size, Real* scratch, const Advance& advance, const Back& back) noexcept {
  const size_t n_segments = (n_rows + kSegment - 1) / kSegment;
  Real* segment = scratch + n_segments * size;
  std::fill_n(scratch, size, Real{0});
  for (size_t s = 0; s + 1 < n_segments; ++s) {
    std::copy_n(scratch + s * size, size, segment);
    for (size_t i = 0; i < kSegment; ++i) advance(segment, segment, s * kSegment + i);
    std::copy_n(segment, size, scratch + (s + 1) * size);
  }
  for (size_t s = n_segments; s-- > 0;) {
    const size_t n = std::min(kSegment, n_rows - s * kSegment);
    std::copy_n(scratch + s * size, size, segment);
    for (size_t i = 0; i < n; ++i) advance(segment + i * size, segment + (i + 1) * size, s * kSegment + i);
    for (size_t i = n; i-- > 0;) back(segment + i * size, segment + (i + 1) * size, s * kSegment + i);
  }
}

}  // namespace kinglet::ops
