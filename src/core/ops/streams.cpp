#include "core/ops/streams.h"

#include <algorithm>

namespace kinglet::ops {
namespace {

struct Streams : ir::Attributes {
  explicit Streams(size_t n) : n_in(n) {}
  size_t n_in;
};

template <class Real>
void run_mix(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t N = run.template attributes<Streams>().n_in;
  const size_t D = run.cols(run.node.inputs[0]) / N;
  const size_t M = run.cols(run.node.outputs[0]) / D;
  for (size_t t = begin; t < end; ++t) {
    const Real* x = run.row(run.node.inputs[0], t);
    const Real* coefficients = run.row(run.node.inputs[1], t);
    Real* y = run.row(run.node.outputs[0], t);
    std::fill_n(y, M * D, Real{0});
    for (size_t m = 0; m < M; ++m) {
      for (size_t n = 0; n < N; ++n) run.real.axpy(coefficients[m * N + n], x + n * D, y + m * D, D);
    }
  }
}

// inputs: x, coefficients, dy; outputs: dx, d_coefficients.
template <class Real>
void run_mix_backward(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t N = run.template attributes<Streams>().n_in;
  const size_t D = run.cols(run.node.inputs[0]) / N;
  const size_t M = run.cols(run.node.inputs[2]) / D;
  for (size_t t = begin; t < end; ++t) {
    const Real* x = run.row(run.node.inputs[0], t);
    const Real* coefficients = run.row(run.node.inputs[1], t);
    const Real* dy = run.row(run.node.inputs[2], t);
    Real* dx = run.row(run.node.outputs[0], t);
    Real* d_coefficients = run.row(run.node.outputs[1], t);
    std::fill_n(dx, N * D, Real{0});
    for (size_t m = 0; m < M; ++m) {
      for (size_t n = 0; n < N; ++n) {
        run.real.axpy(coefficients[m * N + n], dy + m * D, dx + n * D, D);
        d_coefficients[m * N + n] = run.real.dot(dy + m * D, x + n * D, D);
      }
    }
  }
}

constexpr Op kMixBackward{{"mix_streams_backward"}, row_items, run_mix_backward<float>, run_mix_backward<double>};

void backward(Backward& back) {
  if (!back.d_output().valid()) return;
  const auto& in = back.node.inputs;
  const auto gradients = back.b.add(kMixBackward, {{in[0], in[1], back.d_output()}, {}, back.node.attributes},
                                    {back.b.type(in[0]), back.b.type(in[1])});
  back.set_d_input(0, gradients[0]);
  back.set_d_input(1, gradients[1]);
}

constexpr Op kMixStreams{{"mix_streams"}, row_items, run_mix<float>, run_mix<double>, nullptr, backward};

struct First : ir::Attributes {
  explicit First(size_t stream) : first(stream) {}
  size_t first;
};

template <class Real>
void run_add_to(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t D = run.cols(run.node.inputs[1]);
  const size_t cols = run.cols(run.node.outputs[0]);
  const size_t first = run.template attributes<First>().first * D;
  for (size_t t = begin; t < end; ++t) {
    const Real* x = run.row(run.node.inputs[0], t);
    Real* out = run.row(run.node.outputs[0], t);
    std::copy_n(x, first, out);
    for (size_t at = first; at < cols; at += D) run.real.add(x + at, run.row(run.node.inputs[1], t), out + at, D);
  }
}

// inputs: d_out; output: dy, the sum over its streams in order.
template <class Real>
void run_add_to_dy(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t D = run.cols(run.node.outputs[0]);
  const size_t cols = run.cols(run.node.inputs[0]);
  for (size_t t = begin; t < end; ++t) {
    Real* dy = run.row(run.node.outputs[0], t);
    std::fill_n(dy, D, Real{0});
    for (size_t at = run.template attributes<First>().first * D; at < cols; at += D) {
      run.real.add(dy, run.row(run.node.inputs[0], t) + at, dy, D);
    }
  }
}

constexpr Op kAddToDy{{"add_to_streams_dy"}, row_items, run_add_to_dy<float>, run_add_to_dy<double>};

void add_to_backward(Backward& back) {
  if (!back.d_output().valid()) return;
  back.set_d_input(0, back.d_output());
  back.set_d_input(
      1, back.b.add_one(kAddToDy, {{back.d_output()}, {}, back.node.attributes}, back.b.type(back.node.inputs[1])));
}

constexpr Op kAddToStreams{{"add_to_streams"}, row_items, run_add_to<float>,
                           run_add_to<double>, nullptr,   add_to_backward};

}  // namespace

ir::Value add_to_streams(ir::Builder& b, ir::Value x, ir::Value y, size_t first) {
  const size_t D = b.type(y).cols;
  KINGLET_CHECK(D > 0 && b.type(x).cols % D == 0 && first * D < b.type(x).cols,
                "add_to_streams: rows are whole streams");
  return b.add_one(kAddToStreams, {{x, y}, {}, std::make_shared<First>(first)}, b.type(x));
}

ir::Value mix_streams(ir::Builder& b, ir::Value x, ir::Value coefficients, size_t n_streams) {
  const size_t n_coefficients = b.type(coefficients).cols;
  KINGLET_CHECK(n_streams > 0 && b.type(x).cols % n_streams == 0 && n_coefficients % n_streams == 0,
                "mix_streams: rows are whole streams");
  const size_t D = b.type(x).cols / n_streams;
  return b.add_one(kMixStreams, {{x, coefficients}, {}, std::make_shared<Streams>(n_streams)},
                   {b.type(x).rows, n_coefficients / n_streams * D});
}

}  // namespace kinglet::ops
