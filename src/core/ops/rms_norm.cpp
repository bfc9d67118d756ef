#include "core/ops/rms_norm.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "core/ops/encode.h"
#include "core/ops/vector_weight.h"

namespace kinglet::ops {
namespace {

struct RmsNorm : ir::Attributes {
  RmsNorm(float epsilon, size_t length) : eps(epsilon), dim(length) {}
  float eps;
  size_t dim;  // of a normed stretch
  // Without a weight: what stands for it.
  std::vector<float> ones_f32;
  std::vector<double> ones_f64;
};

template <class Real>
const Real* norm_weight(const Run<Real>& run, Real* room) noexcept {
  if (!run.node.weights.empty()) return vector_weight(run, 0, room);
  const auto& norm = run.template attributes<RmsNorm>();
  if constexpr (std::is_same_v<Real, float>) {
    return norm.ones_f32.data();
  } else {
    return norm.ones_f64.data();
  }
}

template <class Real>
void run_rms_norm(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t D = run.template attributes<RmsNorm>().dim;
  const size_t cols = run.cols(run.node.outputs[0]);
  const Real eps = run.template attributes<RmsNorm>().eps;
  const Real* weight_D = norm_weight(run, run.template scratch_as<Real>());
  for (size_t t = begin; t < end; ++t) {
    const Real* x = run.row(run.node.inputs[0], t);
    Real* y = run.row(run.node.outputs[0], t);
    for (size_t at = 0; at < cols; at += D) run.real.rms_norm(x + at, weight_D, y + at, D, eps);
  }
}

// inputs: x, dy; output: dx.
template <class Real>
void run_rms_norm_dx(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t D = run.template attributes<RmsNorm>().dim;
  const size_t cols = run.cols(run.node.outputs[0]);
  const Real eps = run.template attributes<RmsNorm>().eps;
  const Real* weight_D = norm_weight(run, run.template scratch_as<Real>());
  for (size_t t = begin; t < end; ++t) {
    const Real* x = run.row(run.node.inputs[0], t);
    const Real* dy = run.row(run.node.inputs[1], t);
    Real* dx = run.row(run.node.outputs[0], t);
    std::fill_n(dx, cols, Real{0});
    for (size_t at = 0; at < cols; at += D) {
      run.real.rms_norm_backward(x + at, weight_D, dy + at, dx + at, nullptr, D, eps);
    }
  }
}

// inputs: x, dy; accumulates the weight's gradient over rows in order. scratch: [weight copy in f64,] dx that is not
// wanted.
template <class Real>
void run_rms_norm_dw(const Run<Real>& run, size_t /*begin*/, size_t /*end*/) noexcept {
  const size_t D = run.weight(0).cols;
  const size_t cols = run.cols(run.node.inputs[0]);
  const Real eps = run.template attributes<RmsNorm>().eps;
  auto* room = run.template scratch_as<Real>();
  const Real* weight_D = vector_weight(run, 0, room);
  Real* unwanted_dx = room + D;
  for (size_t t = 0; t < run.rows(run.node.inputs[0]); ++t) {
    const Real* x = run.row(run.node.inputs[0], t);
    const Real* dy = run.row(run.node.inputs[1], t);
    for (size_t at = 0; at < cols; at += D) {
      run.real.rms_norm_backward(x + at, weight_D, dy + at, unwanted_dx, run.weight_gradient(0), D, eps);
    }
  }
}

size_t dw_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  return 2 * shape.graph.weight(shape.node.weights[0]).cols * real_bytes;
}

constexpr Op kRmsNormDx{
    {"rms_norm_dx"}, row_items, run_rms_norm_dx<float>, run_rms_norm_dx<double>, vector_weight_scratch};
constexpr Op kRmsNormDw{{"rms_norm_dw"}, one_item, run_rms_norm_dw<float>, run_rms_norm_dw<double>, dw_scratch};

void backward(Backward& back) {
  const ir::Value x = back.node.inputs[0];
  if (!back.d_output().valid()) return;
  const ir::Builder::NodeSpec spec{{x, back.d_output()}, back.node.weights, back.node.attributes};
  back.set_d_input(0, back.b.add_one(kRmsNormDx, spec, back.b.type(x)));
  if (!back.node.weights.empty() && back.wants_weight(0)) back.b.add(kRmsNormDw, spec, {});
}

constexpr Op kRmsNorm{{"rms_norm"},          row_items, run_rms_norm<float>, run_rms_norm<double>,
                      vector_weight_scratch, backward};

void run_rms_norm_encode(const Run<float>& run, size_t begin, size_t end) noexcept {
  const size_t D = run.weight(0).cols;
  auto* normed_D = run.scratch_as<float>();
  const auto* weight_D = reinterpret_cast<const float*>(run.weight(0).data);
  for (size_t t = begin; t < end; ++t) {
    run.real.rms_norm(run.row(run.node.inputs[0], t), weight_D, normed_D, D, run.attributes<RmsNorm>().eps);
    encode_row(run, normed_D, run.node.outputs[0], t);
  }
}

size_t rms_norm_encode_scratch(const NodeShape& shape, size_t /*real_bytes*/) noexcept {
  return shape.graph.weight(shape.node.weights[0]).cols * sizeof(float);
}

constexpr Op kRmsNormEncode{{"rms_norm_encode"}, row_items, run_rms_norm_encode, nullptr, rms_norm_encode_scratch};

}  // namespace

ir::Value rms_norm(ir::Builder& b, ir::Value x, ir::WeightId weight, float eps) {
  const size_t D = b.weight(weight).cols;
  check_vector_weight(b.weight(weight), D);
  KINGLET_CHECK(D > 0 && b.type(x).cols % D == 0, "rms_norm: rows are whole numbers of normed stretches");
  return b.add_one(kRmsNorm, {{x}, {weight}, std::make_shared<RmsNorm>(eps, D)}, b.type(x));
}

ir::Value rms_norm(ir::Builder& b, ir::Value x, size_t dim, float eps) {
  KINGLET_CHECK(dim > 0 && b.type(x).cols % dim == 0, "rms_norm: rows are whole numbers of normed stretches");
  auto attributes = std::make_shared<RmsNorm>(eps, dim);
  attributes->ones_f32.assign(dim, 1.0F);
  attributes->ones_f64.assign(dim, 1.0);
  return b.add_one(kRmsNorm, {{x}, {}, std::move(attributes)}, b.type(x));
}

ir::Value rms_norm_encode(ir::Builder& b, const ir::Node& norm, ir::Element encoding) {
  ir::ValueType type = b.type(norm.outputs[0]);
  type.element = encoding;
  return b.add_one(kRmsNormEncode, {norm.inputs, norm.weights, norm.attributes}, type);
}

bool is_row_rms_norm(const ir::Graph& graph, const ir::Node& node) {
  return node.op == &kRmsNorm && !node.weights.empty() &&
         graph.weight(node.weights[0]).cols == graph.type(node.outputs[0]).cols;
}

}  // namespace kinglet::ops
