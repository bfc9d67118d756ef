#include "core/ops/keep_high.h"

#include <cmath>

namespace kinglet::ops {
namespace {

struct Deviations : ir::Attributes {
  explicit Deviations(float n) : count(n) {}
  float count;
};

template <class Real>
struct Row {
  Real mean;
  Real deviation;
  Real cut;
};

// Sums in the order of elements.
template <class Real>
Row<Real> row_of(const Run<Real>& run, const Real* x, size_t D) noexcept {
  Real total = 0;
  for (size_t i = 0; i < D; ++i) total += x[i];
  const Real mean = total / static_cast<Real>(D);
  Real square = 0;
  for (size_t i = 0; i < D; ++i) square += (x[i] - mean) * (x[i] - mean);
  const Real deviation = std::sqrt(square / static_cast<Real>(D));
  return {mean, deviation, mean + static_cast<Real>(run.template attributes<Deviations>().count) * deviation};
}

template <class Real>
void run_keep_high(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t D = run.cols(run.node.outputs[0]);
  for (size_t t = begin; t < end; ++t) {
    const Real* x = run.row(run.node.inputs[0], t);
    Real* y = run.row(run.node.outputs[0], t);
    const Row<Real> row = row_of(run, x, D);
    for (size_t i = 0; i < D; ++i) y[i] = x[i] > row.cut ? x[i] - row.cut : Real{0};
  }
}

// inputs: x, dy. Kept elements pass; the cut takes their sum g: d cut / d x[j] = (1 + count (x[j] - mean) / deviation)
// / D.
template <class Real>
void run_keep_high_backward(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t D = run.cols(run.node.outputs[0]);
  const Real count = static_cast<Real>(run.template attributes<Deviations>().count);
  for (size_t t = begin; t < end; ++t) {
    const Real* x = run.row(run.node.inputs[0], t);
    const Real* dy = run.row(run.node.inputs[1], t);
    Real* dx = run.row(run.node.outputs[0], t);
    const Row<Real> row = row_of(run, x, D);
    Real passed = 0;
    for (size_t i = 0; i < D; ++i) passed += x[i] > row.cut ? dy[i] : Real{0};
    const Real share = passed / static_cast<Real>(D);
    for (size_t i = 0; i < D; ++i) {
      const Real slope = row.deviation > 0 ? count * (x[i] - row.mean) / row.deviation : Real{0};
      dx[i] = (x[i] > row.cut ? dy[i] : Real{0}) - share * (Real{1} + slope);
    }
  }
}

constexpr Op kKeepHighBackward{
    {"keep_high_backward"}, row_items, run_keep_high_backward<float>, run_keep_high_backward<double>};

void backward(Backward& back) {
  if (!back.d_output().valid()) return;
  back.set_d_input(0,
                   back.b.add_one(kKeepHighBackward, {{back.node.inputs[0], back.d_output()}, {}, back.node.attributes},
                                  back.b.type(back.node.inputs[0])));
}

constexpr Op kKeepHigh{{"keep_high"}, row_items, run_keep_high<float>, run_keep_high<double>, nullptr, backward};

}  // namespace

ir::Value keep_high(ir::Builder& b, ir::Value x, float deviations) {
  return b.add_one(kKeepHigh, {{x}, {}, std::make_shared<Deviations>(deviations)}, b.type(x));
}

}  // namespace kinglet::ops
