#include "core/ops/cross_entropy.h"

#include <algorithm>

namespace kinglet::ops {
namespace {

template <class Real>
void run_token_loss(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const ir::Value logits = run.node.inputs[0];
  const int32_t* labels = run.ints(run.node.inputs[1]);
  for (size_t i = begin; i < end; ++i) {
    const Real* row_V = run.row(logits, i);
    const Real lse = run.real.log_sum_exp(row_V, run.cols(logits));
    *run.row(run.node.outputs[0], i) = lse - row_V[labels[i]];
  }
}

// d logits = d loss * (softmax - one-hot). inputs: logits, labels, d loss.
template <class Real>
void run_token_loss_backward(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const int32_t* labels = run.ints(run.node.inputs[1]);
  const size_t V = run.cols(run.node.outputs[0]);
  for (size_t i = begin; i < end; ++i) {
    Real* dx_V = run.row(run.node.outputs[0], i);
    const Real d_loss = *run.row(run.node.inputs[2], i);
    run.real.softmax(run.row(run.node.inputs[0], i), dx_V, V);
    dx_V[labels[i]] -= Real{1};
    run.real.scale(dx_V, d_loss, dx_V, V);
  }
}

constexpr Op kTokenLossBackward{
    {"token_loss_backward"}, row_items, run_token_loss_backward<float>, run_token_loss_backward<double>};

void token_loss_backward(Backward& back) {
  if (!back.d_output().valid()) return;
  const auto& in = back.node.inputs;
  back.set_d_input(0, back.b.add_one(kTokenLossBackward, {{in[0], in[1], back.d_output()}}, back.b.type(in[0])));
}

constexpr Op kTokenLoss{{"token_loss"},         row_items, run_token_loss<float>,
                        run_token_loss<double>, nullptr,   token_loss_backward};

template <class Real>
void run_mean(const Run<Real>& run, size_t /*begin*/, size_t /*end*/) noexcept {
  const size_t L = run.rows(run.node.inputs[0]);
  double sum = 0;  // L may be large: the sum of f32 losses is kept in double
  for (size_t i = 0; i < L; ++i) sum += static_cast<double>(*run.row(run.node.inputs[0], i));
  *run.reals(run.node.outputs[0]) = static_cast<Real>(sum / static_cast<double>(L));
}

// inputs: d mean.
template <class Real>
void run_mean_backward(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const auto L = static_cast<Real>(run.rows(run.node.outputs[0]));
  std::fill_n(run.row(run.node.outputs[0], begin), end - begin, *run.reals(run.node.inputs[0]) / L);
}

constexpr Op kMeanBackward{{"mean_backward"}, row_items, run_mean_backward<float>, run_mean_backward<double>};

void mean_backward(Backward& back) {
  if (!back.d_output().valid()) return;
  back.set_d_input(0, back.b.add_one(kMeanBackward, {{back.d_output()}}, back.b.type(back.node.inputs[0])));
}

constexpr Op kMean{{"mean"}, one_item, run_mean<float>, run_mean<double>, nullptr, mean_backward};

template <class Real>
void run_one(const Run<Real>& run, size_t /*begin*/, size_t /*end*/) noexcept {
  *run.reals(run.node.outputs[0]) = Real{1};
}

constexpr Op kOne{{"one"}, one_item, run_one<float>, run_one<double>};

}  // namespace

ir::Value token_loss(ir::Builder& b, ir::Value logits, ir::Value labels) {
  return b.add_one(kTokenLoss, {{logits, labels}}, {b.type(logits).rows, 1});
}

ir::Value mean(ir::Builder& b, ir::Value x) {
  KINGLET_CHECK(b.type(x).cols == 1, "mean: one column");
  return b.add_one(kMean, {{x}}, {size_t{1}, 1});
}

ir::Value one(ir::Builder& b) { return b.add_one(kOne, {}, {size_t{1}, 1}); }

}  // namespace kinglet::ops
