#include "core/ops/expert_linear.h"

#include <algorithm>
#include <type_traits>

#include "core/ops/decoded_row.h"
#include "core/ops/encode.h"
#include "core/ops/gated.h"
#include "core/ops/linear.h"

namespace kinglet::ops {
namespace {

struct ExpertLinear : ir::Attributes {
  ExpertLinear(const ExpertRows& of, std::vector<ExpertPart> of_matrices) : rows(of), parts(std::move(of_matrices)) {}
  ExpertRows rows;
  std::vector<ExpertPart> parts;  // of each matrix; the weights are the matrices, then their biases or none
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

size_t n_pieces(const ExpertPart& part, size_t granule) noexcept { return (part.n + granule - 1) / granule; }

// Which experts have rows is known only when the run is there; no more than rows do.
size_t most_active(const NodeShape& shape) noexcept {
  return std::min(attributes_of(shape.node).rows.n_experts, shape.rows(shape.node.inputs[0]));
}

bool has_biases(const ir::Node& node) noexcept { return node.weights.size() > attributes_of(node).parts.size(); }

// A piece is some rows of a matrix of one of the experts that have rows: piece = number among these * n_pieces_of_all +
// that of the matrices' pieces, one matrix after the other.
size_t n_pieces_of_all(const ir::Node& node, const ir::Graph& graph, const kernels::KernelTable& table) noexcept {
  const std::vector<ExpertPart>& parts = attributes_of(node).parts;
  size_t n = 0;
  for (size_t i = 0; i < parts.size(); ++i)
    n += n_pieces(parts[i], product_granule(*graph.weight(node.weights[i]).format, table));
  return n;
}

size_t linear_items(const NodeShape& shape) noexcept {
  return most_active(shape) * n_pieces_of_all(shape.node, shape.graph, shape.table);
}

// Calls work(stretch, matrix, first row, last row of its part) for pieces [begin, end), those of one matrix joined to
// one.
template <class Real, class Work>
void for_pieces(const Run<Real>& run, size_t begin, size_t end, const Work& work) noexcept {
  const ExpertLinear& attributes = attributes_of(run.node);
  const size_t n = n_pieces_of_all(run.node, run.graph, run.table);
  const Sorted<Real> sorted(run, attributes.rows);
  while (begin < end && begin / n < sorted.n_active()) {
    const Stretch of = sorted.active(begin / n);
    const size_t last = std::min(end, (begin / n + 1) * n);
    size_t first = begin / n * n;
    for (size_t i = 0; i < attributes.parts.size(); ++i) {
      const size_t granule = product_granule(*run.weight(i).format, run.table);
      const size_t next = first + n_pieces(attributes.parts[i], granule);
      const size_t from = std::max(begin, first);
      const size_t to = std::min(last, next);
      if (from < to) work(of, i, (from - first) * granule, std::min(attributes.parts[i].n, (to - first) * granule));
      first = next;
    }
    begin = last;
  }
}

// Rows [from, to) of an expert's part of a matrix times its sorted rows: into y.
void product_of(const Run<float>& run, size_t matrix, const Stretch& of, size_t from, size_t to, float* y,
                size_t y_stride, std::byte* scratch) noexcept {
  const ExpertPart& part = attributes_of(run.node).parts[matrix];
  const quant::Weight& weight = run.weight(matrix);
  const kernels::ProductKernels& product = run.table.product(*weight.format);
  const ir::Value x = run.node.inputs[0];
  const size_t x_bytes = row_bytes(run.graph.type(x), sizeof(float));
  const kernels::WeightRows w{weight.row(of.expert * part.per_expert + part.first + from), weight.row_bytes(),
                              to - from, weight.cols};
  const kernels::ActivationRows rows{run.bytes(x) + of.begin * x_bytes, x_bytes, of.end - of.begin};
  (rows.n_rows <= kernels::kFewRows ? product.few : product.many)(w, rows, y, y_stride, scratch);
}

// The biases of an expert's part of a matrix.
const float* biases_of(const auto& run, size_t matrix, size_t expert) noexcept {
  const std::vector<ExpertPart>& parts = attributes_of(run.node).parts;
  return reinterpret_cast<const float*>(run.weight(parts.size() + matrix).data) + expert * parts[matrix].per_expert +
         parts[matrix].first;
}

void run_linear_f32(const Run<float>& run, size_t begin, size_t end) noexcept {
  for_pieces(run, begin, end, [&](const Stretch& of, size_t matrix, size_t from, size_t to) {
    const ir::Value out = run.node.outputs[matrix];
    product_of(run, matrix, of, from, to, run.row(out, of.begin) + from, run.cols(out), run.scratch);
    if (!has_biases(run.node)) return;
    const float* bias = biases_of(run, matrix, of.expert) + from;
    for (size_t r = of.begin; r < of.end; ++r)
      run.real.add(run.row(out, r) + from, bias, run.row(out, r) + from, to - from);
  });
}

void run_linear_f64(const Run<double>& run, size_t begin, size_t end) noexcept {
  for_pieces(run, begin, end, [&](const Stretch& of, size_t matrix, size_t from, size_t to) {
    const ExpertPart& part = attributes_of(run.node).parts[matrix];
    const quant::Weight& weight = run.weight(matrix);
    for (size_t n = from; n < to; ++n) {
      const double* row_K = decoded_row(weight, of.expert * part.per_expert + part.first + n, run.scratch);
      const double bias = has_biases(run.node) ? static_cast<double>(biases_of(run, matrix, of.expert)[n]) : 0.0;
      for (size_t r = of.begin; r < of.end; ++r) {
        run.row(run.node.outputs[matrix], r)[n] =
            run.real.dot(run.row(run.node.inputs[0], r), row_K, weight.cols) + bias;
      }
    }
  });
}

size_t linear_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  size_t bytes = 0;
  for (size_t i = 0; i < attributes_of(shape.node).parts.size(); ++i)
    bytes = std::max(bytes, product_scratch_of(shape, i, real_bytes));
  return bytes;
}

// gated over two matrices: a piece is kGatedRows rows of both.
struct GatedExpertLinear : ExpertLinear {
  GatedExpertLinear(const ExpertRows& of, std::vector<ExpertPart> of_matrices, kernels::Activate activation)
      : ExpertLinear(of, std::move(of_matrices)), kind(activation) {}
  kernels::Activate kind;
};

constexpr size_t kGatedRows = 64;

size_t gated_items(const NodeShape& shape) noexcept {
  return most_active(shape) * n_pieces(attributes_of(shape.node).parts[0], kGatedRows);
}

// As many of an expert's rows are done at once as the batch has: it has no more, as each row's experts are several
// ones.
size_t rows_at_once(const ir::Node& node, const RowCounts& counts) noexcept {
  return attributes_of(node).rows.n_rows.bind(counts);
}

void run_gated(const Run<float>& run, size_t begin, size_t end) noexcept {
  const auto& attributes = run.attributes<GatedExpertLinear>();
  const size_t F = attributes.parts[0].n;
  const size_t n = n_pieces(attributes.parts[0], kGatedRows);
  const size_t at_once = rows_at_once(run.node, run.counts);
  const Sorted<float> sorted(run, attributes.rows);
  auto* gate = run.scratch_as<float>();
  std::byte* product_scratch = run.scratch + at_once * kGatedRows * sizeof(float);
  for (size_t piece = begin; piece < end && piece / n < sorted.n_active(); ++piece) {
    const Stretch of = sorted.active(piece / n);
    const size_t from = piece % n * kGatedRows;
    const size_t to = std::min(F, from + kGatedRows);
    for (size_t row = of.begin; row < of.end; row += at_once) {
      const Stretch some{of.expert, row, std::min(of.end, row + at_once)};
      float* y = run.row(run.node.outputs[0], row) + from;
      product_of(run, 0, some, from, to, gate, kGatedRows, product_scratch);
      product_of(run, 1, some, from, to, y, F, product_scratch);
      for (size_t r = 0; r < some.end - some.begin; ++r)
        run.real.gated(attributes.kind, gate + r * kGatedRows, y + r * F, y + r * F, to - from);
    }
  }
}

size_t gated_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  return rows_at_once(shape.node, shape.counts) * kGatedRows * sizeof(float) + linear_scratch(shape, real_bytes);
}

constexpr Op kGatedExpertLinear{{"gated_expert_linear"}, gated_items, run_gated, nullptr, gated_scratch};

// dx. inputs: dy, starts, active. A piece is kDxRows sorted rows, which may be of several experts.
constexpr size_t kDxRows = 16;

size_t dx_items(const NodeShape& shape) noexcept { return (shape.rows(shape.node.inputs[0]) + kDxRows - 1) / kDxRows; }

template <class Real>
void run_dx(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const ExpertLinear& attributes = attributes_of(run.node);
  const ExpertPart& part = attributes.parts[0];
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
  return attributes_of(shape.node).rows.n_experts * n_pieces(attributes_of(shape.node).parts[0], kDwRows);
}

template <class Real>
void run_dw(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const ExpertLinear& attributes = attributes_of(run.node);
  const ExpertPart& part = attributes.parts[0];
  const size_t n = n_pieces(part, kDwRows);
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
  const ExpertPart& part = attributes.parts[0];
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

constexpr Op kExpertLinear{{"expert_linear"}, linear_items, run_linear_f32, run_linear_f64, linear_scratch, backward};

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
  return b.add_one(
      kExpertLinear,
      {{x, rows.starts, rows.active}, std::move(weights), std::make_shared<ExpertLinear>(rows, std::vector{part})},
      {b.type(x).rows, part.n});
}

bool is_expert_linear(const ir::Node& node) noexcept { return node.op == &kExpertLinear; }

bool is_plain_expert_linear(const ir::Node& node) noexcept {
  return is_expert_linear(node) && node.outputs.size() == 1 && !has_biases(node);
}

ir::Node grouped_expert_linear(const std::vector<const ir::Node*>& members) {
  ir::Node group{&kExpertLinear, members[0]->inputs, {}, {}, {}};
  std::vector<ExpertPart> parts;
  for (const ir::Node* member : members) {
    group.outputs.push_back(member->outputs[0]);
    group.weights.push_back(member->weights[0]);
    parts.push_back(attributes_of(*member).parts[0]);
  }
  for (const ir::Node* member : members) {
    if (has_biases(*member)) group.weights.push_back(member->weights[1]);
  }
  group.attributes = std::make_shared<ExpertLinear>(attributes_of(*members[0]).rows, std::move(parts));
  return group;
}

ir::Node gated_expert_linear(const ir::Node& gated, const ir::Node& gate, const ir::Node& up) {
  const std::vector<ExpertPart> parts{attributes_of(gate).parts[0], attributes_of(up).parts[0]};
  return {&kGatedExpertLinear,
          gate.inputs,
          gated.outputs,
          {gate.weights[0], up.weights[0]},
          std::make_shared<GatedExpertLinear>(attributes_of(gate).rows, parts, gated_kind(gated))};
}

}  // namespace kinglet::ops
