#include "core/ops/short_conv.h"

#include <algorithm>

#include "core/ops/decay.h"
#include "core/ops/vector_weight.h"

namespace kinglet::ops {
namespace {

// A piece of work is a sequence and up to kPieceCols columns: piece = sequence_idx * pieces of a row + piece.
constexpr size_t kPieceCols = 64;

size_t n_pieces(size_t cols) noexcept { return (cols + kPieceCols - 1) / kPieceCols; }

size_t conv_items(const NodeShape& shape) noexcept {
  return shape.batch.sequences.size() * n_pieces(shape.graph.weight(shape.node.weights[0]).rows);
}

// Columns [first, first + n) of a node.
struct Columns {
  size_t first;
  size_t n;
};

template <class Real>
Columns columns_of(const Run<Real>& run, size_t piece) noexcept {
  const size_t C = run.weight(0).rows;
  const size_t first = piece % n_pieces(C) * kPieceCols;
  return {first, std::min(kPieceCols, C - first)};
}

// Tap j of these columns' kernels, side by side, at taps + j * kPieceCols.
template <class Real>
void take_taps(const Run<Real>& run, Columns columns, Real* taps) noexcept {
  const size_t L = run.weight(0).cols;
  for (size_t j = 0; j < L; ++j) {
    for (size_t i = 0; i < columns.n; ++i)
      taps[j * kPieceCols + i] = weight_element(run, 0, (columns.first + i) * L + j);
  }
}

// scratch: taps [L, kPieceCols], then the rows that the sequence is to keep [L - 1, kPieceCols].
template <class Real>
void run_conv(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const ir::Value x = run.node.inputs[0];
  const ir::Value y = run.node.outputs[0];
  const size_t C = run.weight(0).rows;
  const size_t L = run.weight(0).cols;
  auto* taps = run.template scratch_as<Real>();
  auto* last_rows = taps + L * kPieceCols;
  for (size_t piece = begin; piece < end; ++piece) {
    const SequenceRows& sequence = run.batch.sequences[piece / n_pieces(C)];
    const Columns columns = columns_of(run, piece);
    float* kept = kept_state(run, sequence);  // [L - 1, C], the oldest first
    take_taps(run, columns, taps);
    // Row t of x, counted from the sequence's first of this run; those before it are kept ones, or zeros.
    const auto element = [&](size_t t_and_past, size_t i) {
      if (t_and_past >= L - 1) return run.row(x, sequence.first_row + t_and_past - (L - 1))[columns.first + i];
      return kept == nullptr ? Real{0} : static_cast<Real>(kept[t_and_past * C + columns.first + i]);
    };
    for (size_t t = 0; t < sequence.n_rows; ++t) {
      Real* out = run.row(y, sequence.first_row + t) + columns.first;
      for (size_t i = 0; i < columns.n; ++i) {
        out[i] = run.node.weights.size() > 1 ? weight_element(run, 1, columns.first + i) : Real{0};
      }
      for (size_t j = 0; j < L; ++j) {
        const Real* tap = taps + j * kPieceCols;
        if (t + j >= L - 1) {
          const Real* row = run.row(x, sequence.first_row + t + j - (L - 1)) + columns.first;
          for (size_t i = 0; i < columns.n; ++i) out[i] += tap[i] * row[i];
        } else {
          for (size_t i = 0; i < columns.n; ++i) out[i] += tap[i] * element(t + j, i);
        }
      }
    }
    if (kept == nullptr) continue;
    for (size_t j = 0; j + 1 < L; ++j) {
      for (size_t i = 0; i < columns.n; ++i) last_rows[j * kPieceCols + i] = element(sequence.n_rows + j, i);
    }
    for (size_t j = 0; j + 1 < L; ++j) {
      for (size_t i = 0; i < columns.n; ++i)
        kept[j * C + columns.first + i] = static_cast<float>(last_rows[j * kPieceCols + i]);
    }
  }
}

size_t conv_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  return 2 * shape.graph.weight(shape.node.weights[0]).cols * kPieceCols * real_bytes;
}

// inputs: dy; output: dx.
template <class Real>
void run_conv_dx(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t C = run.weight(0).rows;
  const size_t L = run.weight(0).cols;
  auto* taps = run.template scratch_as<Real>();
  for (size_t piece = begin; piece < end; ++piece) {
    const SequenceRows& sequence = run.batch.sequences[piece / n_pieces(C)];
    const Columns columns = columns_of(run, piece);
    take_taps(run, columns, taps);
    for (size_t t = 0; t < sequence.n_rows; ++t) {
      Real* dx = run.row(run.node.outputs[0], sequence.first_row + t) + columns.first;
      std::fill_n(dx, columns.n, Real{0});
      // Row t is under tap j of the row L - 1 - j further on.
      for (size_t j = L; j-- > 0 && t + (L - 1 - j) < sequence.n_rows;) {
        const Real* dy = run.row(run.node.inputs[0], sequence.first_row + t + (L - 1 - j)) + columns.first;
        for (size_t i = 0; i < columns.n; ++i) dx[i] += taps[j * kPieceCols + i] * dy[i];
      }
    }
  }
}

// inputs: x, dy; of the kernel and the bias. A piece is kPieceCols columns; rows in order within each.
template <class Real>
void run_conv_dw(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t L = run.weight(0).cols;
  Real* dw = run.weight_gradient(0);
  Real* db = run.node.weights.size() > 1 ? run.weight_gradient(1) : nullptr;
  for (size_t piece = begin; piece < end; ++piece) {
    const Columns columns = columns_of(run, piece);
    for (const SequenceRows& sequence : run.batch.sequences) {
      for (size_t t = 0; t < sequence.n_rows; ++t) {
        const Real* dy = run.row(run.node.inputs[1], sequence.first_row + t) + columns.first;
        for (size_t i = 0; db != nullptr && i < columns.n; ++i) db[columns.first + i] += dy[i];
        for (size_t j = 0; dw != nullptr && j < L; ++j) {
          if (t + j < L - 1) continue;
          const Real* x = run.row(run.node.inputs[0], sequence.first_row + t + j - (L - 1)) + columns.first;
          for (size_t i = 0; i < columns.n; ++i) dw[(columns.first + i) * L + j] += dy[i] * x[i];
        }
      }
    }
  }
}

size_t dw_items(const NodeShape& shape) noexcept { return n_pieces(shape.graph.weight(shape.node.weights[0]).rows); }

constexpr Op kShortConvDx{{"short_conv_dx"}, conv_items, run_conv_dx<float>, run_conv_dx<double>, conv_scratch};
constexpr Op kShortConvDw{{"short_conv_dw"}, dw_items, run_conv_dw<float>, run_conv_dw<double>};

void backward(Backward& back) {
  const ir::Value dy = back.d_output();
  if (!dy.valid()) return;
  const ir::Value x = back.node.inputs[0];
  back.set_d_input(0, back.b.add_one(kShortConvDx, {{dy}, {back.node.weights[0]}}, back.b.type(x)));
  const bool wants_bias = back.node.weights.size() > 1 && back.wants_weight(1);
  if (back.wants_weight(0) || wants_bias) back.b.add(kShortConvDw, {{x, dy}, back.node.weights}, {});
}

size_t state_bytes(const ir::Graph& graph, const ir::Node& node) noexcept {
  const quant::Weight& weight = graph.weight(node.weights[0]);
  return (weight.cols - 1) * weight.rows * sizeof(float);
}

constexpr Op kShortConv{{"short_conv"}, conv_items, run_conv<float>, run_conv<double>,
                        conv_scratch,   backward,   state_bytes};

}  // namespace

ir::Value short_conv(ir::Builder& b, ir::Value x, ir::WeightId weight, std::optional<ir::WeightId> bias) {
  const quant::Weight& of = b.weight(weight);
  KINGLET_CHECK(of.format->name == "F32" && of.rows == b.type(x).cols && of.cols > 0,
                "short_conv: a kernel of F32 for each column");
  std::vector<ir::WeightId> weights{weight};
  if (bias) {
    check_vector_weight(b.weight(*bias), of.rows);
    weights.push_back(*bias);
  }
  return b.add_one(kShortConv, {{x}, std::move(weights)}, b.type(x));
}

}  // namespace kinglet::ops
