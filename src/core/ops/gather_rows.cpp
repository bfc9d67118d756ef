#include "core/ops/gather_rows.h"

#include <algorithm>

namespace kinglet::ops {
namespace {

template <class Real>
void run_gather(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const int32_t* indices = run.ints(run.node.inputs[1]);
  const size_t D = run.cols(run.node.outputs[0]);
  for (size_t i = begin; i < end; ++i) {
    std::copy_n(run.row(run.node.inputs[0], static_cast<size_t>(indices[i])), D, run.row(run.node.outputs[0], i));
  }
}

// inputs: dy, indices; the same row may have been taken twice, so rows are added in order by one thread.
template <class Real>
void run_scatter(const Run<Real>& run, size_t /*begin*/, size_t /*end*/) noexcept {
  const ir::Value dx = run.node.outputs[0];
  const int32_t* indices = run.ints(run.node.inputs[1]);
  const size_t D = run.cols(dx);
  std::fill_n(run.reals(dx), run.rows(dx) * D, Real{0});
  for (size_t i = 0; i < run.rows(run.node.inputs[0]); ++i) {
    run.real.axpy(Real{1}, run.row(run.node.inputs[0], i), run.row(dx, static_cast<size_t>(indices[i])), D);
  }
}

constexpr Op kScatterRows{{"scatter_rows"}, one_item, run_scatter<float>, run_scatter<double>};

void backward(Backward& back) {
  if (!back.d_output().valid()) return;
  back.set_d_input(
      0, back.b.add_one(kScatterRows, {{back.d_output(), back.node.inputs[1]}}, back.b.type(back.node.inputs[0])));
}

constexpr Op kGatherRows{{"gather_rows"}, row_items, run_gather<float>, run_gather<double>, nullptr, backward};

}  // namespace

ir::Value gather_rows(ir::Builder& b, ir::Value x, ir::Value indices) {
  return b.add_one(kGatherRows, {{x, indices}}, {b.type(indices).rows, b.type(x).cols});
}

}  // namespace kinglet::ops
