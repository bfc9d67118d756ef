#include "core/ops/pool.h"

#include <algorithm>
#include <cmath>

namespace kinglet::ops {
namespace {

struct Pool : ir::Attributes {
  explicit Pool(PoolKind of) : kind(of) {}
  PoolKind kind;
};

// A piece of work is a sequence.
size_t sequence_items(const NodeShape& shape) noexcept { return shape.batch.sequences.size(); }

template <class Real>
void run_pool(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t D = run.cols(run.node.outputs[0]);
  const PoolKind kind = run.template attributes<Pool>().kind;
  for (size_t s = begin; s < end; ++s) {
    const SequenceRows& sequence = run.batch.sequences[s];
    const size_t first = sequence.first_row;
    const size_t last = first + sequence.n_rows - 1;
    Real* y_D = run.row(run.node.outputs[0], s);
    std::copy_n(run.row(run.node.inputs[0], kind == PoolKind::kLast ? last : first), D, y_D);
    if (kind != PoolKind::kMean) continue;
    for (size_t t = first + 1; t <= last; ++t) run.real.axpy(Real{1}, run.row(run.node.inputs[0], t), y_D, D);
    run.real.scale(y_D, Real{1} / static_cast<Real>(sequence.n_rows), y_D, D);
  }
}

// inputs: dy; output: dx.
template <class Real>
void run_pool_backward(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const ir::Value dx = run.node.outputs[0];
  const size_t D = run.cols(dx);
  const PoolKind kind = run.template attributes<Pool>().kind;
  for (size_t s = begin; s < end; ++s) {
    const SequenceRows& sequence = run.batch.sequences[s];
    const size_t first = sequence.first_row;
    const size_t last = first + sequence.n_rows - 1;
    const Real* dy_D = run.row(run.node.inputs[0], s);
    if (kind == PoolKind::kMean) {
      const Real share = Real{1} / static_cast<Real>(sequence.n_rows);
      for (size_t t = first; t <= last; ++t) run.real.scale(dy_D, share, run.row(dx, t), D);
    } else {
      std::fill_n(run.row(dx, first), sequence.n_rows * D, Real{0});
      std::copy_n(dy_D, D, run.row(dx, kind == PoolKind::kLast ? last : first));
    }
  }
}

constexpr Op kPoolBackward{{"pool_backward"}, sequence_items, run_pool_backward<float>, run_pool_backward<double>};

void pool_backward(Backward& back) {
  if (!back.d_output().valid()) return;
  back.set_d_input(0, back.b.add_one(kPoolBackward, {{back.d_output()}, {}, back.node.attributes},
                                     back.b.type(back.node.inputs[0])));
}

constexpr Op kPool{{"pool"}, sequence_items, run_pool<float>, run_pool<double>, nullptr, pool_backward};

// What a row is divided by.
template <class Real>
Real length_of(const Run<Real>& run, const Real* x_D, size_t D) noexcept {
  const double length = std::sqrt(static_cast<double>(run.real.dot(x_D, x_D, D)));
  return static_cast<Real>(std::max(length, 1e-12));
}

template <class Real>
void run_l2_normalize(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t D = run.cols(run.node.outputs[0]);
  for (size_t i = begin; i < end; ++i) {
    const Real* x_D = run.row(run.node.inputs[0], i);
    run.real.scale(x_D, Real{1} / length_of(run, x_D, D), run.row(run.node.outputs[0], i), D);
  }
}

// inputs: x, y, dy; dx = (dy - y (y . dy)) / |x|.
template <class Real>
void run_l2_normalize_backward(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t D = run.cols(run.node.outputs[0]);
  for (size_t i = begin; i < end; ++i) {
    const Real* x_D = run.row(run.node.inputs[0], i);
    const Real* y_D = run.row(run.node.inputs[1], i);
    const Real* dy_D = run.row(run.node.inputs[2], i);
    Real* dx_D = run.row(run.node.outputs[0], i);
    std::copy_n(dy_D, D, dx_D);
    run.real.axpy(-run.real.dot(y_D, dy_D, D), y_D, dx_D, D);
    run.real.scale(dx_D, Real{1} / length_of(run, x_D, D), dx_D, D);
  }
}

constexpr Op kL2NormalizeBackward{
    {"l2_normalize_backward"}, row_items, run_l2_normalize_backward<float>, run_l2_normalize_backward<double>};

void l2_normalize_backward(Backward& back) {
  if (!back.d_output().valid()) return;
  const ir::Value x = back.node.inputs[0];
  back.set_d_input(0,
                   back.b.add_one(kL2NormalizeBackward, {{x, back.node.outputs[0], back.d_output()}}, back.b.type(x)));
}

constexpr Op kL2Normalize{{"l2_normalize"},         row_items, run_l2_normalize<float>,
                          run_l2_normalize<double>, nullptr,   l2_normalize_backward};

}  // namespace

ir::Value pool(ir::Builder& b, ir::Value x, PoolKind kind) {
  KINGLET_CHECK(b.type(x).rows == ir::Rows(ir::Symbol::kTokens), "pool: rows are those of the batch");
  return b.add_one(kPool, {{x}, {}, std::make_shared<Pool>(kind)}, {ir::Symbol::kSequences, b.type(x).cols});
}

ir::Value l2_normalize(ir::Builder& b, ir::Value x) { return b.add_one(kL2Normalize, {{x}}, b.type(x)); }

}  // namespace kinglet::ops
