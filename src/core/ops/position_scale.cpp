#include "core/ops/position_scale.h"

#include <cmath>

namespace kinglet::ops {
namespace {

struct Growth : ir::Attributes {
  Growth(float of_logarithm, size_t of_positions) : beta(of_logarithm), step(of_positions) {}
  float beta;
  size_t step;
};

template <class Real>
void run_position_scale(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const auto& growth = run.template attributes<Growth>();
  const int32_t* positions = run.ints(run.node.inputs[1]);
  for (size_t t = begin; t < end; ++t) {
    const size_t n_steps = static_cast<size_t>(positions[t]) / growth.step;
    const double factor = 1.0 + static_cast<double>(growth.beta) * std::log1p(static_cast<double>(n_steps));
    run.real.scale(run.row(run.node.inputs[0], t), static_cast<Real>(factor), run.row(run.node.outputs[0], t),
                   run.cols(run.node.outputs[0]));
  }
}

void backward(Backward& back);

constexpr Op kPositionScale{{"position_scale"},         row_items, run_position_scale<float>,
                            run_position_scale<double>, nullptr,   backward};

void backward(Backward& back) {
  if (!back.d_output().valid()) return;
  back.set_d_input(0, back.b.add_one(kPositionScale, {{back.d_output(), back.node.inputs[1]}, {}, back.node.attributes},
                                     back.b.type(back.node.inputs[0])));
}

}  // namespace

ir::Value position_scale(ir::Builder& b, ir::Value x, ir::Value positions, float beta, size_t step) {
  KINGLET_CHECK(step > 0, "position_scale: steps have a length");
  return b.add_one(kPositionScale, {{x, positions}, {}, std::make_shared<Growth>(beta, step)}, b.type(x));
}

}  // namespace kinglet::ops
