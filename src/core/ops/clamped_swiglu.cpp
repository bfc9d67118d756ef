#include "core/ops/clamped_swiglu.h"

#include <algorithm>

namespace kinglet::ops {
namespace {

struct Clamped : ir::Attributes {
  explicit Clamped(ClampedSwiglu settings) : spec(settings) {}
  ClampedSwiglu spec;
};

// gate sigmoid(alpha gate) = silu(alpha gate) / alpha, so that the gated kernel serves: its two inputs of a row.
template <class Real>
void inputs_of_kernel(const Run<Real>& run, size_t t, Real* gate, Real* up) noexcept {
  const ClampedSwiglu& spec = run.template attributes<Clamped>().spec;
  const auto alpha = static_cast<Real>(spec.alpha);
  const auto limit = static_cast<Real>(spec.limit);
  const Real* gate_F = run.row(run.node.inputs[0], t);
  const Real* up_F = run.row(run.node.inputs[1], t);
  for (size_t i = 0; i < run.cols(run.node.inputs[0]); ++i) {
    gate[i] = alpha * std::min(gate_F[i], limit);
    up[i] = (std::clamp(up_F[i], -limit, limit) + Real{1}) / alpha;
  }
}

template <class Real>
void run_clamped(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t F = run.cols(run.node.outputs[0]);
  auto* gate = run.template scratch_as<Real>();
  for (size_t t = begin; t < end; ++t) {
    inputs_of_kernel(run, t, gate, gate + F);
    run.real.gated(kernels::Activate::kSilu, gate, gate + F, run.row(run.node.outputs[0], t), F);
  }
}

// inputs: gate, up, dy; outputs: dgate, dup. What is cut off has no slope.
template <class Real>
void run_clamped_backward(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const ClampedSwiglu& spec = run.template attributes<Clamped>().spec;
  const auto alpha = static_cast<Real>(spec.alpha);
  const auto limit = static_cast<Real>(spec.limit);
  const size_t F = run.cols(run.node.outputs[0]);
  auto* gate = run.template scratch_as<Real>();
  for (size_t t = begin; t < end; ++t) {
    Real* dgate = run.row(run.node.outputs[0], t);
    Real* dup = run.row(run.node.outputs[1], t);
    std::fill_n(dgate, F, Real{0});
    std::fill_n(dup, F, Real{0});
    inputs_of_kernel(run, t, gate, gate + F);
    run.real.gated_backward(kernels::Activate::kSilu, gate, gate + F, run.row(run.node.inputs[2], t), dgate, dup, F);
    const Real* gate_F = run.row(run.node.inputs[0], t);
    const Real* up_F = run.row(run.node.inputs[1], t);
    for (size_t i = 0; i < F; ++i) {
      dgate[i] = gate_F[i] > limit ? Real{0} : dgate[i] * alpha;
      dup[i] = up_F[i] > limit || up_F[i] < -limit ? Real{0} : dup[i] / alpha;
    }
  }
}

size_t two_rows(const NodeShape& shape, size_t real_bytes) noexcept {
  return 2 * shape.graph.type(shape.node.inputs[0]).cols * real_bytes;
}

constexpr Op kClampedBackward{
    {"clamped_swiglu_backward"}, row_items, run_clamped_backward<float>, run_clamped_backward<double>, two_rows};

void backward(Backward& back) {
  if (!back.d_output().valid()) return;
  const auto& in = back.node.inputs;
  const ir::ValueType type = back.b.type(in[0]);
  const auto gradients =
      back.b.add(kClampedBackward, {{in[0], in[1], back.d_output()}, {}, back.node.attributes}, {type, type});
  back.set_d_input(0, gradients[0]);
  back.set_d_input(1, gradients[1]);
}

constexpr Op kClamped{{"clamped_swiglu"}, row_items, run_clamped<float>, run_clamped<double>, two_rows, backward};

}  // namespace

ir::Value clamped_swiglu(ir::Builder& b, ir::Value gate, ir::Value up, ClampedSwiglu spec) {
  KINGLET_CHECK(b.type(gate) == b.type(up), "clamped_swiglu: both inputs are alike");
  return b.add_one(kClamped, {{gate, up}, {}, std::make_shared<Clamped>(spec)}, b.type(gate));
}

}  // namespace kinglet::ops
