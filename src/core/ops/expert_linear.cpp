#include "core/ops/expert_linear.h"

#include <algorithm>
#include <type_traits>

#include "core/ops/decoded_row.h"
#include "core/ops/encode.h"
#include "core/ops/linear.h"

namespace kinglet::ops {
namespace {

struct ExpertLinear : ir::Attributes {
  ExpertLinear(const ExpertRows& of, ExpertPart of_matrix) : rows(of), part(of_matrix) {}
  ExpertRows rows;
  ExpertPart part;
};

const ExpertLinear& attributes_of(const ir::Node& node) noexcept {
  return static_cast<const ExpertLinear&>(*node.attributes);
}

// The sorted rows [begin, end) of an expert.
struct Stretch {
  size_t expert;
  size_t begin;
  size_t end;
};

// Reads what sort_by_expert wrote.
template <class Real>
class Sorted {
 public:
  Sorted(const Run<Real>& run, const ExpertRows& rows) noexcept
      : starts_(run.ints(rows.starts)), active_(run.ints(rows.active)) {}
  [[nodiscard]] size_t n_active() const noexcept { return static_cast<size_t>(active_[0]); }
  [[nodiscard]] Stretch active(size_t i) const noexcept { return of(static_cast<size_t>(active_[1 + i])); }
  [[nodiscard]] Stretch of(size_t expert) const noexcept {
    return {expert, static_cast<size_t>(starts_[expert]), static_cast<size_t>(starts_[expert + 1])};
  }

 private:
  const int32_t* starts_;
  const int32_t* active_;
};

// A piece is some rows of the matrix of one of the experts that have rows: piece = number among these * n_pieces +
// rows.
size_t n_pieces(const ir::Node& node, size_t granule) noexcept {
  return (attributes_of(node).part.n + granule - 1) / granule;
}

size_t linear_items(const NodeShape& shape) noexcept {
  const size_t granule = product_granule(*shape.graph.weight(shape.node.weights[0]).format, shape.table);
  // Which experts have rows is known only when the run is there; no more than rows do.
  const size_t most = std::min(attributes_of(shape.node).rows.n_experts, shape.rows(shape.node.inputs[0]));
  return most * n_pieces(shape.node, granule);
}

// Calls work(stretch, first row, last row of the part) for pieces [begin, end), those of one expert joined to one.
template <class Real, class Work>
void for_pieces(const Run<Real>& run, size_t begin, size_t end, const Work& work) noexcept {
  const ExpertLinear& attributes = attributes_of(run.node);
  const size_t granule = product_granule(*run.weight(0).format, run.table);
  const size_t n = n_pieces(run.node, granule);
  const Sorted<Real> sorted(run, attributes.rows);
  while (begin < end && begin / n < sorted.n_active()) {
    const size_t last = std::min(end, (begin / n + 1) * n);
    work(sorted.active(begin / n), begin % n * granule,
         std::min(attributes.part.n, (begin % n + last - begin) * granule));
    begin = last;
  }
}

void run_linear_f32(const Run<float>& run, size_t begin, size_t end) noexcept {
  const ExpertPart& part = attributes_of(run.node).part;
  const quant::Weight& weight = run.weight(0);
  const kernels::ProductKernels& product = run.table.product(*weight.format);
  const ir::Value x = run.node.inputs[0];
  const ir::Value out = run.node.outputs[0];
  const size_t x_bytes = row_bytes(run.graph.type(x), sizeof(float));
  for_pieces(run, begin, end, [&](const Stretch& of, size_t from, size_t to) {
    const size_t first = of.expert * part.per_expert + part.first + from;
    const kernels::WeightRows w{weight.row(first), weight.row_bytes(), to - from, weight.cols};
    const kernels::ActivationRows rows{run.bytes(x) + of.begin * x_bytes, x_bytes, of.end - of.begin};
    (rows.n_rows <= kernels::kFewRows ? product.few : product.many)(w, rows, run.row(out, of.begin) + from, part.n,
                                                                    run.scratch);
    if (run.node.weights.size() < 2) return;
    const auto* bias = reinterpret_cast<const float*>(run.weight(1).data) + first;
    for (size_t r = of.begin; r < of.end; ++r)
      run.real.add(run.row(out, r) + from, bias, run.row(out, r) + from, to - from);
  });
}

void run_linear_f64(const Run<double>& run, size_t begin, size_t end) noexcept {
  const ExpertPart& part = attributes_of(run.node).part;
  for_pieces(run, begin, end, [&](const Stretch& of, size_t from, size_t to) {
    for (size_t n = from; n < to; ++n) {
      const size_t at = of.expert * part.per_expert + part.first + n;
      const double* row_K = decoded_row(run.weight(0), at, run.scratch);
      const double bias = run.node.weights.size() < 2
                              ? 0.0
                              : static_cast<double>(reinterpret_cast<const float*>(run.weight(1).data)[at]);
      for (size_t r = of.begin; r < of.end; ++r) {
        run.row(run.node.outputs[0], r)[n] =
            run.real.dot(run.row(run.node.inputs[0], r), row_K, run.weight(0).cols) + bias;
      }
    }
  });
}

// dx. inputs: dy, starts, active. A piece is kDxRows sorted rows, which may be of several experts.
constexpr size_t kDxRows = 16;

size_t dx_items(const NodeShape& shape) noexcept { return (shape.rows(shape.node.inputs[0]) + kDxRows - 1) / kDxRows; }

template <class Real>
void run_dx(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const ExpertLinear& attributes = attributes_of(run.node);
  const ExpertPart& part = attributes.part;
  const quant::Weight& weight = run.weight(0);
  const ir::Value dy = run.node.inputs[0];
  const ir::Value dx = run.node.outputs[0];
  const size_t row_begin = begin * kDxRows;
  const size_t row_end = std::min(run.rows(dy), end * kDxRows);
  std::fill_n(run.row(dx, row_begin), (row_end - row_begin) * weight.cols, Real{0});
  const Sorted<Real> sorted(run, attributes.rows);
  for (size_t i = 0; i < sorted.n_active(); ++i) {
    const Stretch of = sorted.active(i);
    const size_t from = std::max(row_begin, of.begin);
    const size_t to = std::min(row_end, of.end);
    if (from >= to) continue;
    const size_t first = of.expert * part.per_expert + part.first;
    if constexpr (std::is_same_v<Real, float>) {
      const kernels::WeightRows w{weight.row(first), weight.row_bytes(), part.n, weight.cols};
      run.table.product(*weight.format)
          .transposed(w, run.row(dy, from), part.n, to - from, run.row(dx, from), weight.cols, run.scratch);
    } else {
      for (size_t n = 0; n < part.n; ++n) {
        const double* row_K = decoded_row(weight, first + n, run.scratch);
        for (size_t r = from; r < to; ++r) run.real.axpy(run.row(dy, r)[n], row_K, run.row(dx, r), weight.cols);
      }
    }
  }
}

// dw. inputs: x, dy, starts, active. A piece is kDwRows rows of an expert's part.
constexpr size_t kDwRows = 16;

size_t dw_items(const NodeShape& shape) noexcept {
  return attributes_of(shape.node).rows.n_experts * n_pieces(shape.node, kDwRows);
}

template <class Real>
void run_dw(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const ExpertLinear& attributes = attributes_of(run.node);
  const ExpertPart& part = attributes.part;
  const size_t n = n_pieces(run.node, kDwRows);
  const size_t K = run.weight(0).cols;
  const Sorted<Real> sorted(run, attributes.rows);
  for (size_t piece = begin; piece < end; ++piece) {
    const Stretch of = sorted.of(piece / n);
    const size_t from = piece % n * kDwRows;
    const size_t to = std::min(part.n, from + kDwRows);
    if (of.begin == of.end) continue;
    run.real.outer_accumulate(run.row(run.node.inputs[1], of.begin) + from, part.n,
                              run.row(run.node.inputs[0], of.begin), K, of.end - of.begin,
                              run.weight_gradient(0) + (of.expert * part.per_expert + part.first + from) * K, to - from,
                              K);
  }
}

// db. inputs: dy, starts, active; weights: the biases. A piece is an expert.
size_t expert_items(const NodeShape& shape) noexcept { return attributes_of(shape.node).rows.n_experts; }

template <class Real>
void run_db(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const ExpertLinear& attributes = attributes_of(run.node);
  const ExpertPart& part = attributes.part;
  const Sorted<Real> sorted(run, attributes.rows);
  for (size_t e = begin; e < end; ++e) {
    const Stretch of = sorted.of(e);
    for (size_t r = of.begin; r < of.end; ++r) {
      run.real.axpy(Real{1}, run.row(run.node.inputs[0], r), run.weight_gradient(0) + e * part.per_expert + part.first,
                    part.n);
    }
  }
}

constexpr Op kExpertDx{{"expert_linear_dx"}, dx_items, run_dx<float>, run_dx<double>, product_scratch};
constexpr Op kExpertDw{{"expert_linear_dw"}, dw_items, run_dw<float>, run_dw<double>};
constexpr Op kExpertDb{{"expert_bias_dw"}, expert_items, run_db<float>, run_db<double>};

void backward(Backward& back) {
  const ir::Value dy = back.d_output();
  if (!dy.valid()) return;
  const ExpertRows& rows = attributes_of(back.node).rows;
  const ir::Value x = back.node.inputs[0];
  const std::vector<ir::WeightId> matrix{back.node.weights[0]};
  back.set_d_input(
      0, back.b.add_one(kExpertDx, {{dy, rows.starts, rows.active}, matrix, back.node.attributes}, back.b.type(x)));
  if (back.wants_weight(0))
    back.b.add(kExpertDw, {{x, dy, rows.starts, rows.active}, matrix, back.node.attributes}, {});
  if (back.node.weights.size() > 1 && back.wants_weight(1)) {
    back.b.add(kExpertDb, {{dy, rows.starts, rows.active}, {back.node.weights[1]}, back.node.attributes}, {});
  }
}

constexpr Op kExpertLinear{{"expert_linear"}, linear_items, run_linear_f32, run_linear_f64, product_scratch, backward};

}  // namespace

ir::Value expert_linear(ir::Builder& b, ir::Value x, const ExpertRows& rows, ir::WeightId weight, ExpertPart part,
                        std::optional<ir::WeightId> bias) {
  KINGLET_CHECK(b.type(x).rows == b.type(rows.slots).rows, "expert_linear: rows are sorted ones");
  KINGLET_CHECK(b.type(x).cols == b.weight(weight).cols, "expert_linear: the weight's columns are the input's");
  KINGLET_CHECK(
      b.weight(weight).rows == rows.n_experts * part.per_expert && part.n > 0 && part.first + part.n <= part.per_expert,
      "expert_linear: a matrix for each expert");
  std::vector<ir::WeightId> weights{weight};
  if (bias) {
    const quant::Weight& of = b.weight(*bias);
    KINGLET_CHECK(of.rows == rows.n_experts && of.cols == part.per_expert && of.format->name == "F32",
                  "expert_linear: a bias for each expert");
    weights.push_back(*bias);
  }
  return b.add_one(kExpertLinear,
                   {{x, rows.starts, rows.active}, std::move(weights), std::make_shared<ExpertLinear>(rows, part)},
                   {b.type(x).rows, part.n});
}

bool is_expert_linear(const ir::Node& node) noexcept { return node.op == &kExpertLinear; }

}  // namespace kinglet::ops
