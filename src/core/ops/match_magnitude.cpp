#include "core/ops/match_magnitude.h"

#include <algorithm>
#include <cmath>

namespace kinglet::ops {
namespace {

struct Least : ir::Attributes {
  explicit Least(float epsilon) : eps(epsilon) {}
  float eps;
};

template <class Real>
struct Magnitudes {
  Real own;       // of x, at least sqrt(eps)
  Real wanted;    // of the other row
  bool is_least;  // x is so small that its own magnitude does not count
};

template <class Real>
Magnitudes<Real> magnitudes(const Run<Real>& run, size_t t) noexcept {
  const size_t D = run.cols(run.node.inputs[0]);
  const Real* x = run.row(run.node.inputs[0], t);
  const Real* like = run.row(run.node.inputs[1], t);
  const Real eps = run.template attributes<Least>().eps;
  const Real square = run.real.dot(x, x, D) / static_cast<Real>(D);
  return {std::sqrt(std::max(square, eps)), std::sqrt(run.real.dot(like, like, D) / static_cast<Real>(D)),
          square < eps};
}

template <class Real>
void run_match(const Run<Real>& run, size_t begin, size_t end) noexcept {
  for (size_t t = begin; t < end; ++t) {
    const Magnitudes<Real> of = magnitudes(run, t);
    run.real.scale(run.row(run.node.inputs[0], t), of.wanted / of.own, run.row(run.node.outputs[0], t),
                   run.cols(run.node.outputs[0]));
  }
}

// inputs: x, like, dy; outputs: dx, d_like. With m the own magnitude and r the wanted one, s = dy . x:
// dx = dy r / m - x s r / (m^3 D), d_like = like s / (m r D).
template <class Real>
void run_match_backward(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t D = run.cols(run.node.inputs[0]);
  const auto n = static_cast<Real>(D);
  for (size_t t = begin; t < end; ++t) {
    const Magnitudes<Real> of = magnitudes(run, t);
    const Real* x = run.row(run.node.inputs[0], t);
    const Real* dy = run.row(run.node.inputs[2], t);
    Real* dx = run.row(run.node.outputs[0], t);
    const Real s = run.real.dot(dy, x, D);
    run.real.scale(dy, of.wanted / of.own, dx, D);
    if (!of.is_least) run.real.axpy(-s * of.wanted / (of.own * of.own * of.own * n), x, dx, D);
    const Real of_like = of.wanted > 0 ? s / (of.own * of.wanted * n) : Real{0};
    run.real.scale(run.row(run.node.inputs[1], t), of_like, run.row(run.node.outputs[1], t), D);
  }
}

constexpr Op kMatchBackward{
    {"match_magnitude_backward"}, row_items, run_match_backward<float>, run_match_backward<double>};

void backward(Backward& back) {
  if (!back.d_output().valid()) return;
  const auto& in = back.node.inputs;
  const auto gradients = back.b.add(kMatchBackward, {{in[0], in[1], back.d_output()}, {}, back.node.attributes},
                                    {back.b.type(in[0]), back.b.type(in[1])});
  back.set_d_input(0, gradients[0]);
  back.set_d_input(1, gradients[1]);
}

constexpr Op kMatchMagnitude{{"match_magnitude"}, row_items, run_match<float>, run_match<double>, nullptr, backward};

}  // namespace

ir::Value match_magnitude(ir::Builder& b, ir::Value x, ir::Value like, float eps) {
  KINGLET_CHECK(b.type(x) == b.type(like), "match_magnitude: both inputs are alike");
  return b.add_one(kMatchMagnitude, {{x, like}, {}, std::make_shared<Least>(eps)}, b.type(x));
}

}  // namespace kinglet::ops
