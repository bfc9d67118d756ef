#include "core/ops/gated.h"

#include <algorithm>

#include "core/ops/linear.h"

namespace kinglet::ops {
namespace {

struct Gated : ir::Attributes {
  explicit Gated(kernels::Activate activation) : kind(activation) {}
  kernels::Activate kind;
};

template <class Real>
void run_gated(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t n = (end - begin) * run.cols(run.node.outputs[0]);
  run.real.gated(run.template attributes<Gated>().kind, run.row(run.node.inputs[0], begin),
                 run.row(run.node.inputs[1], begin), run.row(run.node.outputs[0], begin), n);
}

// inputs: gate, up, dy; outputs: dgate, dup.
template <class Real>
void run_gated_backward(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const auto& in = run.node.inputs;
  const auto& out = run.node.outputs;
  const size_t n = (end - begin) * run.cols(out[0]);
  std::fill_n(run.row(out[0], begin), n, Real{0});
  std::fill_n(run.row(out[1], begin), n, Real{0});
  run.real.gated_backward(run.template attributes<Gated>().kind, run.row(in[0], begin), run.row(in[1], begin),
                          run.row(in[2], begin), run.row(out[0], begin), run.row(out[1], begin), n);
}

constexpr Op kGatedBackward{{"gated_backward"}, row_items, run_gated_backward<float>, run_gated_backward<double>};

void backward(Backward& back) {
  if (!back.d_output().valid()) return;
  const auto& in = back.node.inputs;
  const ir::ValueType type = back.b.type(in[0]);
  const auto gradients =
      back.b.add(kGatedBackward, {{in[0], in[1], back.d_output()}, {}, back.node.attributes}, {type, type});
  back.set_d_input(0, gradients[0]);
  back.set_d_input(1, gradients[1]);
}

constexpr Op kGated{{"gated"}, row_items, run_gated<float>, run_gated<double>, nullptr, backward};

// The fused form works on pieces of kPieceRows rows of both weights.
constexpr size_t kPieceRows = 64;

size_t gated_linear_items(const NodeShape& shape) noexcept {
  return (shape.graph.weight(shape.node.weights[0]).rows + kPieceRows - 1) / kPieceRows;
}

void run_gated_linear(const Run<float>& run, size_t begin, size_t end) noexcept {
  const ir::Value x = run.node.inputs[0];
  const ir::Value out = run.node.outputs[0];
  const size_t F = run.cols(out);
  const size_t T = run.rows(out);
  auto* gate = run.scratch_as<float>();
  auto* product_scratch = run.scratch + T * kPieceRows * sizeof(float);
  for (size_t piece = begin; piece < end; ++piece) {
    const size_t from = piece * kPieceRows;
    const size_t to = std::min(F, from + kPieceRows);
    float* y = run.reals(out) + from;
    product_rows(run, run.weight(0), x, from, to, gate, kPieceRows, product_scratch);
    product_rows(run, run.weight(1), x, from, to, y, F, product_scratch);
    for (size_t t = 0; t < T; ++t) {
      run.real.gated(run.attributes<Gated>().kind, gate + t * kPieceRows, y + t * F, y + t * F, to - from);
    }
  }
}

size_t gated_linear_scratch(const NodeShape& shape, size_t /*real_bytes*/) noexcept {
  size_t of_products = 0;
  for (const ir::WeightId id : shape.node.weights) {
    const quant::Weight& weight = shape.graph.weight(id);
    of_products = std::max(of_products, shape.table.product(*weight.format).scratch_bytes(weight.cols));
  }
  return shape.rows(shape.node.outputs[0]) * kPieceRows * sizeof(float) + of_products;
}

constexpr Op kGatedLinear{{"gated_linear"}, gated_linear_items, run_gated_linear, nullptr, gated_linear_scratch};

}  // namespace

ir::Value gated(ir::Builder& b, kernels::Activate kind, ir::Value gate, ir::Value up) {
  KINGLET_CHECK(b.type(gate) == b.type(up), "gated: both inputs are alike");
  return b.add_one(kGated, {{gate, up}, {}, std::make_shared<Gated>(kind)}, b.type(gate));
}

bool is_gated(const ir::Node& node) noexcept { return node.op == &kGated; }

kernels::Activate gated_kind(const ir::Node& gated) noexcept {
  return static_cast<const Gated&>(*gated.attributes).kind;
}

ir::Node gated_linear(const ir::Node& gated, const ir::Node& gate, const ir::Node& up) {
  return {&kGatedLinear, gate.inputs, gated.outputs, {gate.weights[0], up.weights[0]}, gated.attributes};
}

}  // namespace kinglet::ops
