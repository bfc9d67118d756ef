#include "core/ops/delta_net.h"

#include <algorithm>

#include "core/ops/decay.h"
#include "core/ops/sum_rows.h"
#include "core/ops/vector_weight.h"

namespace kinglet::ops {
namespace {

// Legend: K key_dim, V value_dim. A memory lies as [V, K], so that each of its rows is worked on by itself.

struct Delta : ir::Attributes {
  explicit Delta(DeltaHeads of) : heads(of) {}
  DeltaHeads heads;
  [[nodiscard]] size_t memory_size() const noexcept { return heads.key_dim * heads.value_dim; }
};

const DeltaHeads& heads_of(const ir::Node& node) noexcept { return static_cast<const Delta&>(*node.attributes).heads; }

// One value head at one row.
template <class Real>
struct Place {
  const Real* q;
  const Real* k;
  const Real* v;
  Decay<Real> decay;
  Real correction;  // sigmoid of it

  Place(const Run<Real>& run, size_t row, size_t head) noexcept
      : q(run.row(run.node.inputs[0], row) + key_column(run, head)),
        k(run.row(run.node.inputs[1], row) + key_column(run, head)),
        v(run.row(run.node.inputs[2], row) + head * heads_of(run.node).value_dim),
        decay(run.row(run.node.inputs[3], row)[head], weight_element(run, 0, head), weight_element(run, 1, head)),
        correction(sigmoid_of(run.row(run.node.inputs[4], row)[head])) {}

  static size_t key_column(const Run<Real>& run, size_t head) noexcept {
    return head % heads_of(run.node).n_key_heads * heads_of(run.node).key_dim;
  }
};

// Row j of the memory at one row of the sequence: fades, then is corrected. `before` may be `after`.
template <class Real>
void advance_row(const Run<Real>& run, const Place<Real>& at, size_t j, const Real* before, Real* after) noexcept {
  const size_t K = heads_of(run.node).key_dim;
  run.real.scale(before, at.decay.factor, after, K);
  const Real error = at.v[j] - run.real.dot(after, at.k, K);
  run.real.axpy(at.correction * error, at.k, after, K);
}

size_t value_head_items(const NodeShape& shape) noexcept {
  return shape.batch.sequences.size() * heads_of(shape.node).n_value_heads;
}

// scratch: the memory of a head where the sequence keeps none.
template <class Real>
void run_delta(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const DeltaHeads& heads = heads_of(run.node);
  const size_t size = run.template attributes<Delta>().memory_size();
  for (size_t piece = begin; piece < end; ++piece) {
    const SequenceRows& sequence = run.batch.sequences[piece / heads.n_value_heads];
    const size_t head = piece % heads.n_value_heads;
    Real* memory = state_of_head(run, sequence, head, size);
    for (size_t t = sequence.first_row; t < sequence.first_row + sequence.n_rows; ++t) {
      const Place<Real> at(run, t, head);
      Real* y = run.row(run.node.outputs[0], t) + head * heads.value_dim;
      for (size_t j = 0; j < heads.value_dim; ++j) {
        Real* row = memory + j * heads.key_dim;
        advance_row(run, at, j, row, row);
        y[j] = run.real.dot(row, at.q, heads.key_dim);
      }
    }
  }
}

size_t delta_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  return static_cast<const Delta&>(*shape.node.attributes).memory_size() * real_bytes;
}

// The gradient at one row of a head. d_memory is that of the memory after the row and becomes that of the one before.
template <class Real>
void back_row(const Run<Real>& run, size_t row, size_t head, const Real* before, const Real* after, Real* d_memory,
              Real* faded) noexcept {
  const DeltaHeads& heads = heads_of(run.node);
  const size_t K = heads.key_dim;
  const auto& out = run.node.outputs;
  const Place<Real> at(run, row, head);
  const size_t key_column = Place<Real>::key_column(run, head);
  const Real* dy = run.row(run.node.inputs[5], row) + head * heads.value_dim;
  Real* dq = run.row(out[0], row) + key_column;
  Real* dk = run.row(out[1], row) + key_column;
  Real* dv = run.row(out[2], row) + head * heads.value_dim;
  Real d_factor = 0;
  Real d_correction = 0;
  for (size_t j = 0; j < heads.value_dim; ++j) {
    const Real* before_j = before + j * K;
    Real* d_j = d_memory + j * K;
    run.real.scale(before_j, at.decay.factor, faded, K);
    const Real error = at.v[j] - run.real.dot(faded, at.k, K);
    run.real.axpy(dy[j], at.q, d_j, K);
    run.real.axpy(dy[j], after + j * K, dq, K);
    const Real d_change = run.real.dot(d_j, at.k, K);  // of correction * error
    run.real.axpy(at.correction * error, d_j, dk, K);
    d_correction += d_change * error;
    const Real d_error = d_change * at.correction;
    dv[j] = d_error;
    run.real.axpy(-d_error, faded, dk, K);
    run.real.axpy(-d_error, at.k, d_j, K);
    d_factor += run.real.dot(d_j, before_j, K);
    run.real.scale(d_j, at.decay.factor, d_j, K);
  }
  const Real d_exponent = d_factor * at.decay.factor;
  run.row(out[3], row)[head] = d_exponent * at.decay.rate * at.decay.step_slope;
  run.row(out[4], row)[head] = d_correction * at.correction * (1 - at.correction);
  run.row(out[5], row)[head] = d_exponent * at.decay.step;
}

// inputs: those of forward, dy; outputs: dq, dk, dv, dstep, dcorrection, and drate row by row. A piece is a sequence
// and a key head with all of its value heads. scratch: memories, the gradient of one, a row of one.
template <class Real>
void run_delta_backward(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const DeltaHeads& heads = heads_of(run.node);
  const size_t size = run.template attributes<Delta>().memory_size();
  auto* d_memory = run.template scratch_as<Real>();
  Real* faded = d_memory + size;
  Real* memories = faded + heads.key_dim;
  for (size_t piece = begin; piece < end; ++piece) {
    const SequenceRows& sequence = run.batch.sequences[piece / heads.n_key_heads];
    const size_t key_head = piece % heads.n_key_heads;
    for (size_t t = sequence.first_row; t < sequence.first_row + sequence.n_rows; ++t) {
      for (size_t i = 0; i < 2; ++i)
        std::fill_n(run.row(run.node.outputs[i], t) + key_head * heads.key_dim, heads.key_dim, Real{0});
    }
    for (size_t head = key_head; head < heads.n_value_heads; head += heads.n_key_heads) {
      std::fill_n(d_memory, size, Real{0});
      const auto advance = [&](const Real* before, Real* after, size_t t) {
        const Place<Real> at(run, sequence.first_row + t, head);
        for (size_t j = 0; j < heads.value_dim; ++j) {
          advance_row(run, at, j, before + j * heads.key_dim, after + j * heads.key_dim);
        }
      };
      const auto back = [&](const Real* before, const Real* after, size_t t) {
        back_row(run, sequence.first_row + t, head, before, after, d_memory, faded);
      };
      walk_back(sequence.n_rows, size, memories, advance, back);
    }
  }
}

size_t key_head_items(const NodeShape& shape) noexcept {
  return shape.batch.sequences.size() * heads_of(shape.node).n_key_heads;
}

size_t backward_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  const size_t size = static_cast<const Delta&>(*shape.node.attributes).memory_size();
  const size_t n_rows = shape.rows(shape.node.inputs[0]);
  return ((kept_states(n_rows) + 1) * size + heads_of(shape.node).key_dim) * real_bytes;
}

constexpr Op kDeltaBackward{
    {"delta_net_backward"}, key_head_items, run_delta_backward<float>, run_delta_backward<double>, backward_scratch};

void backward(Backward& back) {
  if (!back.d_output().valid()) return;
  std::vector<ir::Value> inputs = back.node.inputs;
  std::vector<ir::ValueType> types;
  for (const ir::Value input : inputs) types.push_back(back.b.type(input));
  types.push_back(types[3]);
  inputs.push_back(back.d_output());
  const auto gradients = back.b.add(kDeltaBackward, {inputs, back.node.weights, back.node.attributes}, types);
  for (size_t i = 0; i < back.node.inputs.size(); ++i) back.set_d_input(i, gradients[i]);
  if (back.wants_weight(0)) sum_rows_into(back.b, gradients[3], back.node.weights[0]);
  if (back.wants_weight(1)) sum_rows_into(back.b, gradients[5], back.node.weights[1]);
}

size_t state_bytes(const ir::Graph& /*graph*/, const ir::Node& node) noexcept {
  const auto& delta = static_cast<const Delta&>(*node.attributes);
  return delta.heads.n_value_heads * delta.memory_size() * sizeof(float);
}

constexpr Op kDeltaNet{{"delta_net"}, value_head_items, run_delta<float>, run_delta<double>,
                       delta_scratch, backward,         state_bytes};

}  // namespace

ir::Value delta_net(ir::Builder& b, const DeltaInputs& in, ir::WeightId step_bias, ir::WeightId rate,
                    DeltaHeads heads) {
  const size_t key_cols = heads.n_key_heads * heads.key_dim;
  KINGLET_CHECK(b.type(in.q).cols == key_cols && b.type(in.k).cols == key_cols &&
                    b.type(in.v).cols == heads.n_value_heads * heads.value_dim &&
                    b.type(in.step).cols == heads.n_value_heads && b.type(in.correction).cols == heads.n_value_heads,
                "delta_net: columns are heads");
  KINGLET_CHECK(heads.n_key_heads > 0 && heads.n_value_heads % heads.n_key_heads == 0,
                "delta_net: key heads are shared by as many value heads each");
  check_vector_weight(b.weight(step_bias), heads.n_value_heads);
  check_vector_weight(b.weight(rate), heads.n_value_heads);
  return b.add_one(kDeltaNet,
                   {{in.q, in.k, in.v, in.step, in.correction}, {step_bias, rate}, std::make_shared<Delta>(heads)},
                   b.type(in.v));
}

}  // namespace kinglet::ops
