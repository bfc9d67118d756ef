#include "core/ops/ssm_scan.h"

#include <algorithm>

#include "core/ops/decay.h"
#include "core/ops/sum_rows.h"
#include "core/ops/vector_weight.h"

namespace kinglet::ops {
namespace {

// Legend: P head_dim, N state_dim.

struct Ssm : ir::Attributes {
  explicit Ssm(SsmHeads of) : heads(of) {}
  SsmHeads heads;
  [[nodiscard]] size_t state_size() const noexcept { return heads.head_dim * heads.state_dim; }
};

const SsmHeads& heads_of(const ir::Node& node) noexcept { return static_cast<const Ssm&>(*node.attributes).heads; }

// Columns of x, B and C of one head.
struct HeadColumns {
  size_t x, in, out;
  HeadColumns(const SsmHeads& heads, size_t head) noexcept {
    const size_t group = head / (heads.n_heads / heads.n_groups);
    x = head * heads.head_dim;
    in = heads.n_heads * heads.head_dim + group * heads.state_dim;
    out = in + heads.n_groups * heads.state_dim;
  }
};

// One head at one row.
template <class Real>
struct Place {
  const Real* x_P;
  const Real* in_N;
  const Real* out_N;
  Decay<Real> decay;

  Place(const Run<Real>& run, size_t row, size_t head) noexcept
      : decay(run.row(run.node.inputs[1], row)[head], weight_element(run, 0, head), weight_element(run, 1, head)) {
    const HeadColumns columns(heads_of(run.node), head);
    const Real* xbc = run.row(run.node.inputs[0], row);
    x_P = xbc + columns.x;
    in_N = xbc + columns.in;
    out_N = xbc + columns.out;
  }
};

template <class Real>
void advance_row(const Run<Real>& run, const Place<Real>& at, size_t p, const Real* before_N, Real* after_N) noexcept {
  const size_t N = heads_of(run.node).state_dim;
  run.real.scale(before_N, at.decay.factor, after_N, N);
  run.real.axpy(at.decay.step * at.x_P[p], at.in_N, after_N, N);
}

size_t head_items(const NodeShape& shape) noexcept {
  return shape.batch.sequences.size() * heads_of(shape.node).n_heads;
}

// scratch: the state of a head where the sequence keeps none.
template <class Real>
void run_scan(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const SsmHeads& heads = heads_of(run.node);
  const size_t size = run.template attributes<Ssm>().state_size();
  for (size_t piece = begin; piece < end; ++piece) {
    const SequenceRows& sequence = run.batch.sequences[piece / heads.n_heads];
    const size_t head = piece % heads.n_heads;
    const Real through = weight_element(run, 2, head);
    Real* state = state_of_head(run, sequence, head, size);
    for (size_t t = sequence.first_row; t < sequence.first_row + sequence.n_rows; ++t) {
      const Place<Real> at(run, t, head);
      Real* y = run.row(run.node.outputs[0], t) + head * heads.head_dim;
      for (size_t p = 0; p < heads.head_dim; ++p) {
        Real* row = state + p * heads.state_dim;
        advance_row(run, at, p, row, row);
        y[p] = run.real.dot(row, at.out_N, heads.state_dim) + through * at.x_P[p];
      }
    }
  }
}

size_t scan_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  return static_cast<const Ssm&>(*shape.node.attributes).state_size() * real_bytes;
}

// The gradient at one row of a head. d_state is that of the state after the row and becomes that of the one before.
template <class Real>
void back_row(const Run<Real>& run, size_t row, size_t head, const Real* before, const Real* after,
              Real* d_state) noexcept {
  const SsmHeads& heads = heads_of(run.node);
  const size_t N = heads.state_dim;
  const auto& out = run.node.outputs;
  const Place<Real> at(run, row, head);
  const HeadColumns columns(heads, head);
  const Real through = weight_element(run, 2, head);
  const Real* dy = run.row(run.node.inputs[2], row) + head * heads.head_dim;
  Real* d_xbc = run.row(out[0], row);
  Real d_factor = 0;
  Real d_step = 0;
  Real d_through = 0;
  for (size_t p = 0; p < heads.head_dim; ++p) {
    Real* d_p = d_state + p * N;
    run.real.axpy(dy[p], at.out_N, d_p, N);
    run.real.axpy(dy[p], after + p * N, d_xbc + columns.out, N);
    d_through += dy[p] * at.x_P[p];
    const Real d_taken = run.real.dot(d_p, at.in_N, N);  // of step * x
    d_xbc[columns.x + p] = through * dy[p] + at.decay.step * d_taken;
    d_step += at.x_P[p] * d_taken;
    run.real.axpy(at.decay.step * at.x_P[p], d_p, d_xbc + columns.in, N);
    d_factor += run.real.dot(d_p, before + p * N, N);
    run.real.scale(d_p, at.decay.factor, d_p, N);
  }
  const Real d_exponent = d_factor * at.decay.factor;
  run.row(out[1], row)[head] = (d_step + d_exponent * at.decay.rate) * at.decay.step_slope;
  run.row(out[2], row)[head] = d_exponent * at.decay.step;
  run.row(out[3], row)[head] = d_through;
}

// inputs: those of forward, dy; outputs: dxbc, dstep, and drate and dthrough row by row. A piece is a sequence and a
// group with all of its heads. scratch: states, and the gradient of one.
template <class Real>
void run_scan_backward(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const SsmHeads& heads = heads_of(run.node);
  const size_t size = run.template attributes<Ssm>().state_size();
  const size_t n_of_group = heads.n_heads / heads.n_groups;
  auto* d_state = run.template scratch_as<Real>();
  Real* states = d_state + size;
  for (size_t piece = begin; piece < end; ++piece) {
    const SequenceRows& sequence = run.batch.sequences[piece / heads.n_groups];
    const size_t group = piece % heads.n_groups;
    const HeadColumns columns(heads, group * n_of_group);
    for (size_t t = sequence.first_row; t < sequence.first_row + sequence.n_rows; ++t) {
      std::fill_n(run.row(run.node.outputs[0], t) + columns.in, heads.state_dim, Real{0});
      std::fill_n(run.row(run.node.outputs[0], t) + columns.out, heads.state_dim, Real{0});
    }
    for (size_t head = group * n_of_group; head < (group + 1) * n_of_group; ++head) {
      std::fill_n(d_state, size, Real{0});
      const auto advance = [&](const Real* before, Real* after, size_t t) {
        const Place<Real> at(run, sequence.first_row + t, head);
        for (size_t p = 0; p < heads.head_dim; ++p) {
          advance_row(run, at, p, before + p * heads.state_dim, after + p * heads.state_dim);
        }
      };
      const auto back = [&](const Real* before, const Real* after, size_t t) {
        back_row(run, sequence.first_row + t, head, before, after, d_state);
      };
      walk_back(sequence.n_rows, size, states, advance, back);
    }
  }
}

size_t group_items(const NodeShape& shape) noexcept {
  return shape.batch.sequences.size() * heads_of(shape.node).n_groups;
}

size_t backward_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  const size_t size = static_cast<const Ssm&>(*shape.node.attributes).state_size();
  return (kept_states(shape.rows(shape.node.inputs[0])) + 1) * size * real_bytes;
}

constexpr Op kScanBackward{
    {"ssm_scan_backward"}, group_items, run_scan_backward<float>, run_scan_backward<double>, backward_scratch};

void backward(Backward& back) {
  if (!back.d_output().valid()) return;
  const ir::ValueType of_xbc = back.b.type(back.node.inputs[0]);
  const ir::ValueType of_step = back.b.type(back.node.inputs[1]);
  const auto gradients =
      back.b.add(kScanBackward,
                 {{back.node.inputs[0], back.node.inputs[1], back.d_output()}, back.node.weights, back.node.attributes},
                 {of_xbc, of_step, of_step, of_step});
  back.set_d_input(0, gradients[0]);
  back.set_d_input(1, gradients[1]);
  for (size_t i = 0; i < 3; ++i) {
    if (back.wants_weight(i)) sum_rows_into(back.b, gradients[i + 1], back.node.weights[i]);
  }
}

size_t state_bytes(const ir::Graph& /*graph*/, const ir::Node& node) noexcept {
  const auto& ssm = static_cast<const Ssm&>(*node.attributes);
  return ssm.heads.n_heads * ssm.state_size() * sizeof(float);
}

constexpr Op kSsmScan{{"ssm_scan"}, head_items, run_scan<float>, run_scan<double>, scan_scratch, backward, state_bytes};

}  // namespace

ir::Value ssm_scan(ir::Builder& b, ir::Value xbc, ir::Value step, const SsmWeights& weights, SsmHeads heads) {
  KINGLET_CHECK(heads.n_groups > 0 && heads.n_heads % heads.n_groups == 0, "ssm_scan: groups of as many heads each");
  const size_t x_cols = heads.n_heads * heads.head_dim;
  KINGLET_CHECK(b.type(xbc).cols == x_cols + 2 * heads.n_groups * heads.state_dim && b.type(step).cols == heads.n_heads,
                "ssm_scan: columns are those of heads and groups");
  for (const ir::WeightId weight : {weights.step_bias, weights.rate, weights.through}) {
    check_vector_weight(b.weight(weight), heads.n_heads);
  }
  return b.add_one(kSsmScan,
                   {{xbc, step}, {weights.step_bias, weights.rate, weights.through}, std::make_shared<Ssm>(heads)},
                   {b.type(xbc).rows, x_cols});
}

}  // namespace kinglet::ops
