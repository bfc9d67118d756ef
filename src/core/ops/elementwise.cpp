#include "core/ops/elementwise.h"

#include <algorithm>

namespace kinglet::ops {
namespace {

struct Factor : ir::Attributes {
  explicit Factor(float number) : value(number) {}
  float value;
};

struct Activation : ir::Attributes {
  explicit Activation(kernels::Activate activation) : kind(activation) {}
  kernels::Activate kind;
};

// The elements of rows [begin, end) of the first output.
template <class Real>
size_t n_elements(const Run<Real>& run, size_t begin, size_t end) noexcept {
  return (end - begin) * run.cols(run.node.outputs[0]);
}

template <class Real>
void run_add(const Run<Real>& run, size_t begin, size_t end) noexcept {
  run.real.add(run.row(run.node.inputs[0], begin), run.row(run.node.inputs[1], begin),
               run.row(run.node.outputs[0], begin), n_elements(run, begin, end));
}

void add_backward(Backward& back) {
  back.set_d_input(0, back.d_output());
  back.set_d_input(1, back.d_output());
}

constexpr Op kAdd{{"add"}, row_items, run_add<float>, run_add<double>, nullptr, add_backward};

template <class Real>
void run_multiply(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const Real* left = run.row(run.node.inputs[0], begin);
  const Real* right = run.row(run.node.inputs[1], begin);
  Real* y = run.row(run.node.outputs[0], begin);
  for (size_t i = 0; i < n_elements(run, begin, end); ++i) y[i] = left[i] * right[i];
}

void multiply_backward(Backward& back) {
  if (!back.d_output().valid()) return;
  for (size_t i = 0; i < 2; ++i) back.set_d_input(i, multiply(back.b, back.d_output(), back.node.inputs[1 - i]));
}

constexpr Op kMultiply{{"multiply"}, row_items, run_multiply<float>, run_multiply<double>, nullptr, multiply_backward};

template <class Real>
void run_scale(const Run<Real>& run, size_t begin, size_t end) noexcept {
  run.real.scale(run.row(run.node.inputs[0], begin), static_cast<Real>(run.template attributes<Factor>().value),
                 run.row(run.node.outputs[0], begin), n_elements(run, begin, end));
}

void scale_backward(Backward& back) {
  if (back.d_output().valid()) back.set_d_input(0, scale(back.b, back.d_output(), back.attributes<Factor>().value));
}

constexpr Op kScale{{"scale"}, row_items, run_scale<float>, run_scale<double>, nullptr, scale_backward};

template <class Real>
void run_softcap(const Run<Real>& run, size_t begin, size_t end) noexcept {
  run.real.softcap(run.row(run.node.inputs[0], begin), static_cast<Real>(run.template attributes<Factor>().value),
                   run.row(run.node.outputs[0], begin), n_elements(run, begin, end));
}

// inputs: y, dy.
template <class Real>
void run_softcap_backward(const Run<Real>& run, size_t begin, size_t end) noexcept {
  Real* dx = run.row(run.node.outputs[0], begin);
  const size_t n = n_elements(run, begin, end);
  std::fill_n(dx, n, Real{0});
  run.real.softcap_backward(run.row(run.node.inputs[0], begin),
                            static_cast<Real>(run.template attributes<Factor>().value),
                            run.row(run.node.inputs[1], begin), dx, n);
}

constexpr Op kSoftcapBackward{
    {"softcap_backward"}, row_items, run_softcap_backward<float>, run_softcap_backward<double>};

void softcap_backward(Backward& back) {
  if (!back.d_output().valid()) return;
  back.set_d_input(0,
                   back.b.add_one(kSoftcapBackward, {{back.node.outputs[0], back.d_output()}, {}, back.node.attributes},
                                  back.b.type(back.node.inputs[0])));
}

constexpr Op kSoftcap{{"softcap"}, row_items, run_softcap<float>, run_softcap<double>, nullptr, softcap_backward};

template <class Real>
void run_activation(const Run<Real>& run, size_t begin, size_t end) noexcept {
  run.real.activate(run.template attributes<Activation>().kind, run.row(run.node.inputs[0], begin),
                    run.row(run.node.outputs[0], begin), n_elements(run, begin, end));
}

// inputs: x, dy.
template <class Real>
void run_activation_backward(const Run<Real>& run, size_t begin, size_t end) noexcept {
  Real* dx = run.row(run.node.outputs[0], begin);
  const size_t n = n_elements(run, begin, end);
  std::fill_n(dx, n, Real{0});
  run.real.activate_backward(run.template attributes<Activation>().kind, run.row(run.node.inputs[0], begin),
                             run.row(run.node.inputs[1], begin), dx, n);
}

constexpr Op kActivationBackward{
    {"activation_backward"}, row_items, run_activation_backward<float>, run_activation_backward<double>};

void activation_backward(Backward& back) {
  if (!back.d_output().valid()) return;
  back.set_d_input(
      0, back.b.add_one(kActivationBackward, {{back.node.inputs[0], back.d_output()}, {}, back.node.attributes},
                        back.b.type(back.node.inputs[0])));
}

constexpr Op kActivation{{"activation"},         row_items, run_activation<float>,
                         run_activation<double>, nullptr,   activation_backward};

}  // namespace

ir::Value add(ir::Builder& b, ir::Value left, ir::Value right) {
  KINGLET_CHECK(b.type(left) == b.type(right), "add: both inputs are alike");
  return b.add_one(kAdd, {{left, right}}, b.type(left));
}

ir::Value multiply(ir::Builder& b, ir::Value left, ir::Value right) {
  KINGLET_CHECK(b.type(left) == b.type(right), "multiply: both inputs are alike");
  return b.add_one(kMultiply, {{left, right}}, b.type(left));
}

ir::Value scale(ir::Builder& b, ir::Value x, float factor) {
  return b.add_one(kScale, {{x}, {}, std::make_shared<Factor>(factor)}, b.type(x));
}

ir::Value softcap(ir::Builder& b, ir::Value x, float cap) {
  return b.add_one(kSoftcap, {{x}, {}, std::make_shared<Factor>(cap)}, b.type(x));
}

ir::Value activation(ir::Builder& b, kernels::Activate kind, ir::Value x) {
  return b.add_one(kActivation, {{x}, {}, std::make_shared<Activation>(kind)}, b.type(x));
}

bool is_add(const ir::Node& node) noexcept { return node.op == &kAdd; }

}  // namespace kinglet::ops
