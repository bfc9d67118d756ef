#include "core/ops/scale_by.h"

#include "core/ops/vector_weight.h"

namespace kinglet::ops {
namespace {

template <class Real>
void run_scale_by(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t D = run.weight(0).cols;
  const size_t cols = run.cols(run.node.outputs[0]);
  const Real* weight_D = vector_weight(run, 0, run.template scratch_as<Real>());
  for (size_t t = begin; t < end; ++t) {
    const Real* x = run.row(run.node.inputs[0], t);
    Real* y = run.row(run.node.outputs[0], t);
    for (size_t i = 0; i < cols; ++i) y[i] = x[i] * weight_D[i % D];
  }
}

// inputs: x, dy. Rows in order.
template <class Real>
void run_scale_by_dw(const Run<Real>& run, size_t /*begin*/, size_t /*end*/) noexcept {
  const size_t D = run.weight(0).cols;
  const size_t cols = run.cols(run.node.inputs[0]);
  for (size_t t = 0; t < run.rows(run.node.inputs[0]); ++t) {
    const Real* x = run.row(run.node.inputs[0], t);
    const Real* dy = run.row(run.node.inputs[1], t);
    for (size_t i = 0; i < cols; ++i) run.weight_gradient(0)[i % D] += x[i] * dy[i];
  }
}

constexpr Op kScaleByDw{{"scale_by_dw"}, one_item, run_scale_by_dw<float>, run_scale_by_dw<double>};

void backward(Backward& back) {
  if (!back.d_output().valid()) return;
  back.set_d_input(0, scale_by(back.b, back.d_output(), back.node.weights[0]));
  if (back.wants_weight(0)) back.b.add(kScaleByDw, {{back.node.inputs[0], back.d_output()}, back.node.weights}, {});
}

constexpr Op kScaleBy{{"scale_by"},          row_items, run_scale_by<float>, run_scale_by<double>,
                      vector_weight_scratch, backward};

}  // namespace

ir::Value scale_by(ir::Builder& b, ir::Value x, ir::WeightId weight) {
  const size_t D = b.weight(weight).cols;
  check_vector_weight(b.weight(weight), D);
  KINGLET_CHECK(D > 0 && b.type(x).cols % D == 0, "scale_by: rows are whole numbers of scaled stretches");
  return b.add_one(kScaleBy, {{x}, {weight}}, b.type(x));
}

}  // namespace kinglet::ops
