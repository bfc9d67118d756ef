// Attention over the rows of the batch (training, scoring, encoders) and its gradient.
#include "core/ops/attend.h"

#include <algorithm>
#include <cmath>

#include "core/ops/attend_spec.h"
#include "core/ops/vector_weight.h"

namespace kinglet::ops {
namespace {

// A piece of work is a sequence and a key-value head: piece = sequence_idx * n_kv_heads + head.
size_t sequence_head_items(const NodeShape& shape) noexcept {
  return shape.batch.sequences.size() * attend_spec(shape.node).n_kv_heads;
}

// Rows that go through the kernel at once: enough to share each chunk of keys, few enough for the cache.
constexpr size_t kQueryRows = 32;

template <class Real>
void run_attend(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const auto& attributes = run.template attributes<Attend>();
  const size_t D = attributes.spec.head_dim;
  const size_t G = attributes.n_group();
  const size_t n_kv = attributes.spec.n_kv_heads;
  const auto& in = run.node.inputs;
  const auto& out = run.node.outputs;
  auto* room = run.template scratch_as<Real>();
  const Real* sinks = run.node.weights.empty() ? nullptr : vector_weight(run, 0, room);
  if (sinks != nullptr) room += attributes.spec.n_heads;
  for (size_t piece = begin; piece < end; ++piece) {
    const SequenceRows& sequence = run.batch.sequences[piece / n_kv];
    const size_t head = piece % n_kv;
    const kernels::PlainKeys<Real> keys{run.row(in[1], sequence.first_row) + head * D,
                                        run.row(in[2], sequence.first_row) + head * D, n_kv * D};
    for (size_t first = 0; first < sequence.n_rows; first += kQueryRows) {
      const size_t n = std::min(kQueryRows, sequence.n_rows - first);
      uint32_t lo[kQueryRows];
      uint32_t hi[kQueryRows];
      for (size_t i = 0; i < n; ++i) {
        const KeyInterval visible = attributes.spec.visibility.of(first + i, sequence.n_rows);
        lo[i] = static_cast<uint32_t>(visible.lo);
        hi[i] = static_cast<uint32_t>(visible.hi);
      }
      const size_t t = sequence.first_row + first;
      const kernels::AttendRows<Real> rows{n,
                                           G,
                                           lo,
                                           hi,
                                           run.row(in[0], t) + head * G * D,
                                           attributes.spec.n_heads * D,
                                           run.row(out[0], t) + head * G * D,
                                           attributes.spec.n_heads * D,
                                           sinks == nullptr ? nullptr : sinks + head * G,
                                           run.row(out[1], t) + head * G,
                                           attributes.spec.n_heads};
      run.real.attend_plain(attributes.template of_kernel<Real>(), keys, rows, room);
    }
  }
}

size_t attend_scratch_bytes(const NodeShape& shape, size_t real_bytes) noexcept {
  const AttendSpec& spec = attend_spec(shape.node);
  const size_t room = kernels::attend_scratch(kQueryRows, spec.n_heads / spec.n_kv_heads, spec.head_dim);
  return (room + spec.n_heads) * real_bytes;
}

// inputs: q, k, v, out, lse, d_out; outputs: dq, dk, dv.
template <class Real>
void run_attend_backward(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const auto& attributes = run.template attributes<Attend>();
  const size_t D = attributes.spec.head_dim;
  const size_t G = attributes.n_group();
  const size_t n_kv = attributes.spec.n_kv_heads;
  const auto& in = run.node.inputs;
  const auto& out = run.node.outputs;
  for (size_t piece = begin; piece < end; ++piece) {
    const SequenceRows& sequence = run.batch.sequences[piece / n_kv];
    const size_t head = piece % n_kv;
    for (size_t i = 0; i < sequence.n_rows; ++i) {
      const size_t t = sequence.first_row + i;
      std::fill_n(run.row(out[0], t) + head * G * D, G * D, Real{0});
      std::fill_n(run.row(out[1], t) + head * D, D, Real{0});
      std::fill_n(run.row(out[2], t) + head * D, D, Real{0});
    }
    const size_t first = sequence.first_row;
    const kernels::PlainKeys<Real> keys{run.row(in[1], first) + head * D, run.row(in[2], first) + head * D, n_kv * D};
    for (size_t i = 0; i < sequence.n_rows; ++i) {
      const size_t t = first + i;
      const KeyInterval visible = attributes.spec.visibility.of(i, sequence.n_rows);
      run.real.attend_backward(attributes.template of_kernel<Real>(), keys, visible.lo, visible.hi, G,
                               run.row(in[0], t) + head * G * D, run.row(in[3], t) + head * G * D,
                               run.row(in[5], t) + head * G * D, run.row(in[4], t) + head * G,
                               run.row(out[0], t) + head * G * D, run.row(out[1], first) + head * D,
                               run.row(out[2], first) + head * D, run.template scratch_as<Real>());
    }
  }
}

size_t backward_scratch_bytes(const NodeShape& shape, size_t real_bytes) noexcept {
  const AttendSpec& spec = attend_spec(shape.node);
  return kernels::attend_scratch(1, spec.n_heads / spec.n_kv_heads, spec.head_dim) * real_bytes;
}

constexpr Op kAttendBackward{{"attend_backward"},
                             sequence_head_items,
                             run_attend_backward<float>,
                             run_attend_backward<double>,
                             backward_scratch_bytes};

// A sink takes the share e^(sink - lse) of a row and gives no value: d sink = -share (d_out . out), over rows in order.
// inputs: out, lse, d_out; weights: the sinks. A piece is a head.
size_t head_items(const NodeShape& shape) noexcept { return attend_spec(shape.node).n_heads; }

template <class Real>
void run_sinks_dw(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t D = run.template attributes<Attend>().spec.head_dim;
  const auto& in = run.node.inputs;
  const Real* sinks = vector_weight(run, 0, run.template scratch_as<Real>());
  for (size_t head = begin; head < end; ++head) {
    Real& gradient = run.weight_gradient(0)[head];
    for (size_t t = 0; t < run.rows(in[0]); ++t) {
      const Real slope = run.real.dot(run.row(in[2], t) + head * D, run.row(in[0], t) + head * D, D);
      gradient -= static_cast<Real>(std::exp(static_cast<double>(sinks[head] - run.row(in[1], t)[head]))) * slope;
    }
  }
}

constexpr Op kAttendSinksDw{
    {"attend_sinks_dw"}, head_items, run_sinks_dw<float>, run_sinks_dw<double>, vector_weight_scratch};

void backward(Backward& back) {
  if (!back.d_output().valid()) return;
  const auto& in = back.node.inputs;
  const auto& out = back.node.outputs;
  if (!back.node.weights.empty() && back.wants_weight(0)) {
    back.b.add(kAttendSinksDw, {{out[0], out[1], back.d_output()}, back.node.weights, back.node.attributes}, {});
  }
  const std::vector<ir::Value> gradients =
      back.b.add(kAttendBackward, {{in[0], in[1], in[2], out[0], out[1], back.d_output()}, {}, back.node.attributes},
                 {back.b.type(in[0]), back.b.type(in[1]), back.b.type(in[2])});
  for (size_t i = 0; i < gradients.size(); ++i) back.set_d_input(i, gradients[i]);
}

constexpr Op kAttend{{"attend"},         sequence_head_items,  run_attend<float>,
                     run_attend<double>, attend_scratch_bytes, backward};

}  // namespace

ir::Value attend(ir::Builder& b, ir::Value q, ir::Value k, ir::Value v, const AttendSpec& spec,
                 std::optional<ir::WeightId> sinks) {
  KINGLET_CHECK(spec.n_kv_heads > 0 && spec.n_heads % spec.n_kv_heads == 0, "attend: key-value heads divide the heads");
  KINGLET_CHECK(b.type(q).cols == spec.n_heads * spec.head_dim, "attend: q has n_heads heads");
  KINGLET_CHECK(b.type(k).cols == spec.n_kv_heads * spec.head_dim && b.type(v) == b.type(k),
                "attend: k and v are alike");
  std::vector<ir::WeightId> weights;
  if (sinks) {
    check_vector_weight(b.weight(*sinks), spec.n_heads);
    weights.push_back(*sinks);
  }
  return b.add(kAttend, {{q, k, v}, std::move(weights), std::make_shared<Attend>(spec)},
               {b.type(q), {b.type(q).rows, spec.n_heads}})[0];
}

bool is_attend(const ir::Node& node) noexcept { return node.op == &kAttend; }

const AttendSpec& attend_spec(const ir::Node& node) noexcept {
  return static_cast<const Attend&>(*node.attributes).spec;
}

}  // namespace kinglet::ops
