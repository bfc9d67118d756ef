#include "core/ops/head_linear.h"

#include <algorithm>
#include <type_traits>

#include "core/ops/decoded_row.h"
#include "core/ops/encode.h"
#include "core/ops/linear.h"

namespace kinglet::ops {
namespace {

struct HeadLinear : ir::Attributes {
  explicit HeadLinear(size_t heads) : n_heads(heads) {}
  size_t n_heads;
};

size_t heads_of(const ir::Node& node) noexcept { return static_cast<const HeadLinear&>(*node.attributes).n_heads; }

// A piece is some rows of a head's matrix: piece = head * n_pieces + rows.
size_t n_pieces(size_t N, size_t granule) noexcept { return (N + granule - 1) / granule; }

size_t linear_items(const NodeShape& shape) noexcept {
  const quant::Weight& weight = shape.graph.weight(shape.node.weights[0]);
  const size_t H = heads_of(shape.node);
  if (shape.rows(shape.node.outputs[0]) == 0) return 0;
  return H * n_pieces(weight.rows / H, product_granule(*weight.format, shape.table));
}

template <class Real>
void run_linear(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const quant::Weight& weight = run.weight(0);
  const size_t H = heads_of(run.node);
  const size_t N = weight.rows / H;
  const size_t K = weight.cols;
  const ir::Value x = run.node.inputs[0];
  const ir::Value out = run.node.outputs[0];
  const size_t T = run.rows(out);
  const size_t granule = product_granule(*weight.format, run.table);
  for (size_t piece = begin; piece < end; ++piece) {
    const size_t h = piece / n_pieces(N, granule);
    const size_t from = piece % n_pieces(N, granule) * granule;
    const size_t to = std::min(N, from + granule);
    if constexpr (std::is_same_v<Real, float>) {
      // Heads of a row lie side by side, encoded ones (rows [T H, K]) too.
      const size_t head_bytes = row_bytes({1, K, run.graph.type(x).element}, sizeof(float));
      const kernels::ProductKernels& product = run.table.product(*weight.format);
      const kernels::WeightRows w{weight.row(h * N + from), weight.row_bytes(), to - from, K};
      const kernels::ActivationRows rows{run.bytes(x) + h * head_bytes, H * head_bytes, T};
      (T <= kernels::kFewRows ? product.few : product.many)(w, rows, run.reals(out) + h * N + from, H * N, run.scratch);
    } else {
      for (size_t n = from; n < to; ++n) {
        const double* row_K = decoded_row(weight, h * N + n, run.scratch);
        for (size_t t = 0; t < T; ++t) run.row(out, t)[h * N + n] = run.real.dot(run.row(x, t) + h * K, row_K, K);
      }
    }
  }
}

// dx. inputs: dy. A piece is kDxRows rows of the batch and a head.
constexpr size_t kDxRows = 16;

size_t dx_items(const NodeShape& shape) noexcept {
  return (shape.rows(shape.node.inputs[0]) + kDxRows - 1) / kDxRows * heads_of(shape.node);
}

template <class Real>
void run_dx(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const quant::Weight& weight = run.weight(0);
  const size_t H = heads_of(run.node);
  const size_t N = weight.rows / H;
  const size_t K = weight.cols;
  const ir::Value dy = run.node.inputs[0];
  const ir::Value dx = run.node.outputs[0];
  for (size_t piece = begin; piece < end; ++piece) {
    const size_t h = piece % H;
    const size_t first = piece / H * kDxRows;
    const size_t last = std::min(run.rows(dy), first + kDxRows);
    for (size_t t = first; t < last; ++t) std::fill_n(run.row(dx, t) + h * K, K, Real{0});
    if constexpr (std::is_same_v<Real, float>) {
      const kernels::WeightRows w{weight.row(h * N), weight.row_bytes(), N, K};
      run.table.product(*weight.format)
          .transposed(w, run.row(dy, first) + h * N, H * N, last - first, run.row(dx, first) + h * K, H * K,
                      run.scratch);
    } else {
      for (size_t n = 0; n < N; ++n) {
        const double* row_K = decoded_row(weight, h * N + n, run.scratch);
        for (size_t t = first; t < last; ++t) {
          run.real.axpy(run.row(dy, t)[h * N + n], row_K, run.row(dx, t) + h * K, K);
        }
      }
    }
  }
}

// dw. inputs: x, dy. A piece is a head.
size_t head_items(const NodeShape& shape) noexcept { return heads_of(shape.node); }

template <class Real>
void run_dw(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t H = heads_of(run.node);
  const size_t N = run.weight(0).rows / H;
  const size_t K = run.weight(0).cols;
  for (size_t h = begin; h < end; ++h) {
    run.real.outer_accumulate(run.reals(run.node.inputs[1]) + h * N, H * N, run.reals(run.node.inputs[0]) + h * K,
                              H * K, run.rows(run.node.inputs[0]), run.weight_gradient(0) + h * N * K, N, K);
  }
}

constexpr Op kHeadDx{{"head_linear_dx"}, dx_items, run_dx<float>, run_dx<double>, product_scratch};
constexpr Op kHeadDw{{"head_linear_dw"}, head_items, run_dw<float>, run_dw<double>};

void backward(Backward& back) {
  const ir::Value dy = back.d_output();
  if (!dy.valid()) return;
  const ir::Value x = back.node.inputs[0];
  back.set_d_input(0, back.b.add_one(kHeadDx, {{dy}, back.node.weights, back.node.attributes}, back.b.type(x)));
  if (back.wants_weight(0)) back.b.add(kHeadDw, {{x, dy}, back.node.weights, back.node.attributes}, {});
}

constexpr Op kHeadLinear{{"head_linear"},    linear_items,    run_linear<float>,
                         run_linear<double>, product_scratch, backward};

}  // namespace

ir::Value head_linear(ir::Builder& b, ir::Value x, ir::WeightId weight, size_t n_heads) {
  const quant::Weight& of = b.weight(weight);
  KINGLET_CHECK(n_heads > 0 && of.rows % n_heads == 0 && b.type(x).cols == n_heads * of.cols,
                "head_linear: a matrix for each head");
  return b.add_one(kHeadLinear, {{x}, {weight}, std::make_shared<HeadLinear>(n_heads)}, {b.type(x).rows, of.rows});
}

bool is_head_linear(const ir::Node& node) noexcept { return node.op == &kHeadLinear; }

}  // namespace kinglet::ops
