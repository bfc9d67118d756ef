#include "core/ops/scale_rows.h"

namespace kinglet::ops {
namespace {

template <class Real>
void run_scale_rows(const Run<Real>& run, size_t begin, size_t end) noexcept {
  for (size_t t = begin; t < end; ++t) {
    run.real.scale(run.row(run.node.inputs[0], t), *run.row(run.node.inputs[1], t), run.row(run.node.outputs[0], t),
                   run.cols(run.node.outputs[0]));
  }
}

// inputs: x, dy; output: d factors.
template <class Real>
void run_scale_rows_df(const Run<Real>& run, size_t begin, size_t end) noexcept {
  for (size_t t = begin; t < end; ++t) {
    *run.row(run.node.outputs[0], t) =
        run.real.dot(run.row(run.node.inputs[0], t), run.row(run.node.inputs[1], t), run.cols(run.node.inputs[0]));
  }
}

constexpr Op kScaleRowsDf{{"scale_rows_df"}, row_items, run_scale_rows_df<float>, run_scale_rows_df<double>};

void backward(Backward& back) {
  if (!back.d_output().valid()) return;
  const auto& in = back.node.inputs;
  back.set_d_input(0, scale_rows(back.b, back.d_output(), in[1]));
  back.set_d_input(1, back.b.add_one(kScaleRowsDf, {{in[0], back.d_output()}}, back.b.type(in[1])));
}

constexpr Op kScaleRows{{"scale_rows"}, row_items, run_scale_rows<float>, run_scale_rows<double>, nullptr, backward};

}  // namespace

ir::Value scale_rows(ir::Builder& b, ir::Value x, ir::Value factors) {
  KINGLET_CHECK(b.type(factors).rows == b.type(x).rows && b.type(factors).cols == 1, "scale_rows: a factor a row");
  return b.add_one(kScaleRows, {{x, factors}}, b.type(x));
}

}  // namespace kinglet::ops
