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

struct Join : ir::Attributes {
  explicit Join(size_t heads) : n_heads(heads) {}
  size_t n_heads;
};

template <class Real>
void run_join(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t n_heads = run.template attributes<Join>().n_heads;
  for (size_t t = begin; t < end; ++t) {
    Real* y = run.row(run.node.outputs[0], t);
    for (size_t h = 0; h < n_heads; ++h) {
      for (const ir::Value part : run.node.inputs) {
        const size_t n = run.cols(part) / n_heads;
        y = std::copy_n(run.row(part, t) + h * n, n, y);
      }
    }
  }
}

void join_backward(Backward& back) {
  if (!back.d_output().valid()) return;
  const size_t n_heads = back.attributes<Join>().n_heads;
  const size_t head_dim = back.b.type(back.node.outputs[0]).cols / n_heads;
  size_t begin = 0;
  for (size_t i = 0; i < back.node.inputs.size(); ++i) {
    const size_t n = back.b.type(back.node.inputs[i]).cols / n_heads;
    back.set_d_input(i, take_columns(back.b, back.d_output(), {n_heads, head_dim, begin, n}));
    begin += n;
  }
}

constexpr Op kJoinColumns{{"join_columns"}, row_items, run_join<float>, run_join<double>, nullptr, join_backward};

}  // namespace

ir::Value take_columns(ir::Builder& b, ir::Value x, HeadColumns columns) {
  KINGLET_CHECK(b.type(x).cols == columns.n_heads * columns.head_dim && columns.begin + columns.n <= columns.head_dim,
                "take_columns: columns of a head");
  return b.add_one(kTakeColumns, {{x}, {}, std::make_shared<Columns>(columns)},
                   {b.type(x).rows, columns.n_heads * columns.n});
}

ir::Value join_columns(ir::Builder& b, const std::vector<ir::Value>& parts, size_t n_heads) {
  KINGLET_CHECK(!parts.empty() && n_heads > 0, "join_columns: there is something to join");
  size_t cols = 0;
  for (const ir::Value part : parts) {
    KINGLET_CHECK(b.type(part).rows == b.type(parts[0]).rows && b.type(part).cols % n_heads == 0,
                  "join_columns: parts are rows of whole heads");
    cols += b.type(part).cols;
  }
  return b.add_one(kJoinColumns, {parts, {}, std::make_shared<Join>(n_heads)}, {b.type(parts[0]).rows, cols});
}

}  // namespace kinglet::ops
