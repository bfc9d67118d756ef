#include "core/ops/scale_experts.h"

#include "core/ops/vector_weight.h"

namespace kinglet::ops {
namespace {

struct ScaleExperts : ir::Attributes {
  explicit ScaleExperts(const ExpertRows& of) : rows(of) {}
  ExpertRows rows;
};

// A piece is an expert: the sorted rows [starts[e], starts[e + 1]).
size_t expert_items(const NodeShape& shape) noexcept {
  return static_cast<const ScaleExperts&>(*shape.node.attributes).rows.n_experts;
}

template <class Real>
void run_scale(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const Real* weight_E = vector_weight(run, 0, run.template scratch_as<Real>());
  const int32_t* starts = run.ints(run.node.inputs[1]);
  const size_t cols = run.cols(run.node.outputs[0]);
  for (size_t e = begin; e < end; ++e) {
    for (auto r = static_cast<size_t>(starts[e]); r < static_cast<size_t>(starts[e + 1]); ++r)
      run.real.scale(run.row(run.node.inputs[0], r), weight_E[e], run.row(run.node.outputs[0], r), cols);
  }
}

// inputs: y, starts, d of the output. Rows in order.
template <class Real>
void run_scale_dw(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const int32_t* starts = run.ints(run.node.inputs[1]);
  const size_t cols = run.cols(run.node.inputs[0]);
  for (size_t e = begin; e < end; ++e) {
    for (auto r = static_cast<size_t>(starts[e]); r < static_cast<size_t>(starts[e + 1]); ++r)
      run.weight_gradient(0)[e] += run.real.dot(run.row(run.node.inputs[0], r), run.row(run.node.inputs[2], r), cols);
  }
}

constexpr Op kScaleExpertsDw{{"scale_experts_dw"}, expert_items, run_scale_dw<float>, run_scale_dw<double>};

void backward(Backward& back) {
  const ir::Value dy = back.d_output();
  if (!dy.valid()) return;
  const ExpertRows& rows = back.attributes<ScaleExperts>().rows;
  back.set_d_input(0, scale_experts(back.b, dy, rows, back.node.weights[0]));
  if (!back.wants_weight(0)) return;
  back.b.add(kScaleExpertsDw, {{back.node.inputs[0], rows.starts, dy}, back.node.weights, back.node.attributes}, {});
}

constexpr Op kScaleExperts{{"scale_experts"}, expert_items,          run_scale<float>,
                           run_scale<double>, vector_weight_scratch, backward};

}  // namespace

ir::Value scale_experts(ir::Builder& b, ir::Value y, const ExpertRows& rows, ir::WeightId weight) {
  KINGLET_CHECK(b.type(y).rows == b.type(rows.slots).rows, "scale_experts: rows are sorted ones");
  check_vector_weight(b.weight(weight), rows.n_experts);
  return b.add_one(kScaleExperts, {{y, rows.starts}, {weight}, std::make_shared<ScaleExperts>(rows)}, b.type(y));
}

}  // namespace kinglet::ops
