#include "core/ops/columns.h"

#include <algorithm>

namespace kinglet::ops {
namespace {

struct Columns : ir::Attributes {
  explicit Columns(HeadColumns of) : columns(of) {}
  HeadColumns columns;
};

template <class Real>
void run_take(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const HeadColumns& of = run.template attributes<Columns>().columns;
  for (size_t t = begin; t < end; ++t) {
    const Real* x = run.row(run.node.inputs[0], t) + of.begin;
    Real* y = run.row(run.node.outputs[0], t);
    for (size_t h = 0; h < of.n_heads; ++h) std::copy_n(x + h * of.head_dim, of.n, y + h * of.n);
  }
}

// inputs: dy; output: dx, zero where nothing was taken.
template <class Real>
void run_put_back(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const HeadColumns& of = run.template attributes<Columns>().columns;
  for (size_t t = begin; t < end; ++t) {
    const Real* dy = run.row(run.node.inputs[0], t);
    Real* dx = run.row(run.node.outputs[0], t);
    std::fill_n(dx, of.n_heads * of.head_dim, Real{0});
    for (size_t h = 0; h < of.n_heads; ++h) std::copy_n(dy + h * of.n, of.n, dx + h * of.head_dim + of.begin);
  }
}

constexpr Op kPutBack{{"put_back_columns"}, row_items, run_put_back<float>, run_put_back<double>};

void backward(Backward& back) {
  if (!back.d_output().valid()) return;
  back.set_d_input(
      0, back.b.add_one(kPutBack, {{back.d_output()}, {}, back.node.attributes}, back.b.type(back.node.inputs[0])));
}

constexpr Op kTakeColumns{{"take_columns"}, row_items, run_take<float>, run_take<double>, nullptr, backward};

}  // namespace

ir::Value take_columns(ir::Builder& b, ir::Value x, HeadColumns columns) {
  KINGLET_CHECK(b.type(x).cols == columns.n_heads * columns.head_dim && columns.begin + columns.n <= columns.head_dim,
                "take_columns: columns of a head");
  return b.add_one(kTakeColumns, {{x}, {}, std::make_shared<Columns>(columns)},
                   {b.type(x).rows, columns.n_heads * columns.n});
}

}  // namespace kinglet::ops
