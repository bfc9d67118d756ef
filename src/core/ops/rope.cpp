#include "core/ops/rope.h"

#include <algorithm>
#include <cmath>

namespace kinglet::ops {
namespace {

struct Table : ir::Attributes {
  explicit Table(RopeFrequencies values) : frequencies(std::move(values)) {}
  RopeFrequencies frequencies;
};

// Sine and cosine come from libm in double; a batch needs few of them, and every instruction set the same.
template <class Real>
void run_rope_table(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const RopeFrequencies& frequencies = run.template attributes<Table>().frequencies;
  const int32_t* positions = run.ints(run.node.inputs[0]);
  const SequenceRows* sequence = run.batch.sequences.data();
  for (size_t t = begin; t < end; ++t) {
    Real* cos_sin = run.row(run.node.outputs[0], t);
    while (t >= sequence->first_row + sequence->n_rows) ++sequence;
    const size_t length = sequence->length();
    const bool is_beyond = frequencies.border > 0 && length > frequencies.border;
    for (size_t i = 0; i < frequencies.inverse.size(); ++i) {
      const float inverse = is_beyond ? frequencies.inverse_beyond(length, i) : frequencies.inverse[i];
      const double angle = static_cast<double>(positions[t]) * static_cast<double>(inverse);
      cos_sin[2 * i] = static_cast<Real>(std::cos(angle) * static_cast<double>(frequencies.magnitude));
      cos_sin[2 * i + 1] = static_cast<Real>(std::sin(angle) * static_cast<double>(frequencies.magnitude));
    }
  }
}

constexpr Op kRopeTable{{"rope_table"}, row_items, run_rope_table<float>, run_rope_table<double>};

struct Turn : ir::Attributes {
  Turn(RopeHeads of, bool back) : heads(of), inverse(back) {}
  RopeHeads heads;
  bool inverse;
};

template <class Real>
void run_rope(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const auto& turn = run.template attributes<Turn>();
  const size_t cols = run.cols(run.node.outputs[0]);
  const size_t n_rot = run.cols(run.node.inputs[1]);
  for (size_t t = begin; t < end; ++t) {
    Real* y = run.row(run.node.outputs[0], t);
    std::copy_n(run.row(run.node.inputs[0], t), cols, y);
    run.real.rope(y, turn.heads.n_heads, turn.heads.head_dim, n_rot, run.row(run.node.inputs[1], t), turn.heads.pairs,
                  turn.inverse);
  }
}

void backward(Backward& back);

constexpr Op kRope{{"rope"}, row_items, run_rope<float>, run_rope<double>, nullptr, backward};

// A turn's gradient is the turn back (the magnitude, if any, multiplies both ways alike).
void backward(Backward& back) {
  if (!back.d_output().valid()) return;
  const auto& turn = back.attributes<Turn>();
  auto attributes = std::make_shared<Turn>(turn.heads, !turn.inverse);
  back.set_d_input(0, back.b.add_one(kRope, {{back.d_output(), back.node.inputs[1]}, {}, std::move(attributes)},
                                     back.b.type(back.node.inputs[0])));
}

}  // namespace

ir::Value rope_table(ir::Builder& b, ir::Value positions, RopeFrequencies frequencies) {
  const size_t n_rot = frequencies.inverse.size() * 2;
  return b.add_one(kRopeTable, {{positions}, {}, std::make_shared<Table>(std::move(frequencies))},
                   {b.type(positions).rows, n_rot});
}

ir::Value rope(ir::Builder& b, ir::Value x, ir::Value table, RopeHeads heads) {
  KINGLET_CHECK(b.type(x).cols == heads.n_heads * heads.head_dim, "rope: columns are heads times head_dim");
  KINGLET_CHECK(b.type(table).cols <= heads.head_dim, "rope: no more elements turn than a head has");
  return b.add_one(kRope, {{x, table}, {}, std::make_shared<Turn>(heads, false)}, b.type(x));
}

}  // namespace kinglet::ops
