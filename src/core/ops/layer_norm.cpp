#include "core/ops/layer_norm.h"

#include <algorithm>

#include "core/ops/vector_weight.h"

namespace kinglet::ops {
namespace {

struct LayerNorm : ir::Attributes {
  explicit LayerNorm(float epsilon) : eps(epsilon) {}
  float eps;
};

// Room of one thread: the weight and the bias in double, and a dx that is not wanted.
size_t scratch_bytes(const NodeShape& shape, size_t real_bytes) noexcept {
  return 3 * shape.graph.weight(shape.node.weights[0]).cols * real_bytes;
}

template <class Real>
void run_layer_norm(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t D = run.weight(0).cols;
  const size_t cols = run.cols(run.node.outputs[0]);
  const Real eps = run.template attributes<LayerNorm>().eps;
  auto* room = run.template scratch_as<Real>();
  const Real* weight_D = vector_weight(run, 0, room);
  const Real* bias_D = run.node.weights.size() > 1 ? vector_weight(run, 1, room + D) : nullptr;
  for (size_t t = begin; t < end; ++t) {
    const Real* x = run.row(run.node.inputs[0], t);
    Real* y = run.row(run.node.outputs[0], t);
    for (size_t at = 0; at < cols; at += D) run.real.layer_norm(x + at, weight_D, bias_D, y + at, D, eps);
  }
}

// inputs: x, dy; output: dx.
template <class Real>
void run_layer_norm_dx(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t D = run.weight(0).cols;
  const size_t cols = run.cols(run.node.outputs[0]);
  const Real eps = run.template attributes<LayerNorm>().eps;
  const Real* weight_D = vector_weight(run, 0, run.template scratch_as<Real>());
  for (size_t t = begin; t < end; ++t) {
    const Real* x = run.row(run.node.inputs[0], t);
    const Real* dy = run.row(run.node.inputs[1], t);
    Real* dx = run.row(run.node.outputs[0], t);
    std::fill_n(dx, cols, Real{0});
    for (size_t at = 0; at < cols; at += D) {
      run.real.layer_norm_backward(x + at, weight_D, dy + at, dx + at, nullptr, nullptr, D, eps);
    }
  }
}

// inputs: x, dy; accumulates the gradients of weight and bias, of which either may not be wanted, over rows in order.
template <class Real>
void run_layer_norm_dw(const Run<Real>& run, size_t /*begin*/, size_t /*end*/) noexcept {
  const size_t D = run.weight(0).cols;
  const size_t cols = run.cols(run.node.inputs[0]);
  const Real eps = run.template attributes<LayerNorm>().eps;
  auto* room = run.template scratch_as<Real>();
  const Real* weight_D = vector_weight(run, 0, room);
  Real* unwanted_dx = room + 2 * D;
  Real* d_bias = run.node.weights.size() > 1 ? run.weight_gradient(1) : nullptr;
  for (size_t t = 0; t < run.rows(run.node.inputs[0]); ++t) {
    const Real* x = run.row(run.node.inputs[0], t);
    const Real* dy = run.row(run.node.inputs[1], t);
    for (size_t at = 0; at < cols; at += D) {
      run.real.layer_norm_backward(x + at, weight_D, dy + at, unwanted_dx, run.weight_gradient(0), d_bias, D, eps);
    }
  }
}

constexpr Op kLayerNormDx{
    {"layer_norm_dx"}, row_items, run_layer_norm_dx<float>, run_layer_norm_dx<double>, scratch_bytes};
constexpr Op kLayerNormDw{
    {"layer_norm_dw"}, one_item, run_layer_norm_dw<float>, run_layer_norm_dw<double>, scratch_bytes};

void backward(Backward& back) {
  const ir::Value x = back.node.inputs[0];
  if (!back.d_output().valid()) return;
  const ir::Builder::NodeSpec spec{{x, back.d_output()}, back.node.weights, back.node.attributes};
  back.set_d_input(0, back.b.add_one(kLayerNormDx, spec, back.b.type(x)));
  const bool wants_bias = back.node.weights.size() > 1 && back.wants_weight(1);
  if (back.wants_weight(0) || wants_bias) back.b.add(kLayerNormDw, spec, {});
}

constexpr Op kLayerNorm{{"layer_norm"},         row_items,     run_layer_norm<float>,
                        run_layer_norm<double>, scratch_bytes, backward};

}  // namespace

ir::Value layer_norm(ir::Builder& b, ir::Value x, ir::WeightId weight, std::optional<ir::WeightId> bias, float eps) {
  const size_t D = b.weight(weight).cols;
  check_vector_weight(b.weight(weight), D);
  KINGLET_CHECK(D > 0 && b.type(x).cols % D == 0, "layer_norm: rows are whole numbers of normed stretches");
  std::vector<ir::WeightId> weights{weight};
  if (bias) {
    check_vector_weight(b.weight(*bias), D);
    weights.push_back(*bias);
  }
  return b.add_one(kLayerNorm, {{x}, std::move(weights), std::make_shared<LayerNorm>(eps)}, b.type(x));
}

}  // namespace kinglet::ops
