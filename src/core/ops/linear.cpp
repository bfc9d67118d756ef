#include "core/ops/linear.h"

#include <algorithm>
#include <type_traits>

#include "core/ops/adapt.h"
#include "core/ops/encode.h"
#include "core/ops/vector_weight.h"

namespace kinglet::ops {
namespace {

struct Linear : ir::Attributes {
  bool bias = false;      // the second half of the weights are biases
  bool residual = false;  // the second input is added
};

// Pieces of all weights of the node, one weight after the other.
struct Piece {
  size_t weight_idx;
  size_t row_begin;
  size_t row_end;
};

size_t n_matrices(const ir::Node& node) noexcept { return node.outputs.size(); }

size_t n_pieces(const quant::Weight& weight, size_t granule) noexcept { return (weight.rows + granule - 1) / granule; }

size_t linear_items(const NodeShape& shape) noexcept {
  if (shape.rows(shape.node.inputs[0]) == 0)
    return 0;  // a piece of a prompt that needs no logits: the head is not read
  size_t n = 0;
  for (size_t i = 0; i < n_matrices(shape.node); ++i) {
    const quant::Weight& weight = shape.graph.weight(shape.node.weights[i]);
    n += n_pieces(weight, product_granule(*weight.format, shape.table));
  }
  return n;
}

// Calls work(piece) for the pieces [begin, end), pieces of one weight that follow one another joined to one.
template <class Real, class Work>
void for_pieces(const Run<Real>& run, size_t begin, size_t end, const Work& work) noexcept {
  size_t first = 0;
  for (size_t i = 0; i < n_matrices(run.node) && first < end; ++i) {
    const quant::Weight& weight = run.weight(i);
    const size_t granule = product_granule(*weight.format, run.table);
    const size_t last = first + n_pieces(weight, granule);
    const size_t from = std::max(begin, first);
    const size_t to = std::min(end, last);
    if (from < to) work(Piece{i, (from - first) * granule, std::min(weight.rows, (to - first) * granule)});
    first = last;
  }
}

void run_linear_f32(const Run<float>& run, size_t begin, size_t end) noexcept {
  const auto& attributes = run.attributes<Linear>();
  for_pieces(run, begin, end, [&](const Piece& piece) {
    const ir::Value output = run.node.outputs[piece.weight_idx];
    const size_t N = run.cols(output);
    float* y = run.reals(output) + piece.row_begin;
    product_rows(run, run.weight(piece.weight_idx), run.node.inputs[0], piece.row_begin, piece.row_end, y, N,
                 run.scratch);
    const size_t n = piece.row_end - piece.row_begin;
    const size_t T = run.rows(output);
    if (attributes.bias) {
      const auto* bias_N = reinterpret_cast<const float*>(run.weight(n_matrices(run.node) + piece.weight_idx).data);
      for (size_t t = 0; t < T; ++t) run.real.add(y + t * N, bias_N + piece.row_begin, y + t * N, n);
    }
    if (attributes.residual) {
      const float* residual_TN = run.reals(run.node.inputs[1]) + piece.row_begin;
      for (size_t t = 0; t < T; ++t) run.real.add(y + t * N, residual_TN + t * N, y + t * N, n);
    }
  });
}

// The product with the decoded weight: what gradients are checked against.
void run_linear_f64(const Run<double>& run, size_t begin, size_t end) noexcept {
  for_pieces(run, begin, end, [&](const Piece& piece) {
    const quant::Weight& weight = run.weight(piece.weight_idx);
    const size_t K = weight.cols;
    auto* row_K = run.scratch_as<double>();
    auto* decoded_K = reinterpret_cast<float*>(row_K + K);
    for (size_t r = piece.row_begin; r < piece.row_end; ++r) {
      weight.format->decode(weight.row(r), decoded_K, K);
      std::copy_n(decoded_K, K, row_K);
      double bias = 0;
      if (run.attributes<Linear>().bias) {
        bias = reinterpret_cast<const float*>(run.weight(n_matrices(run.node) + piece.weight_idx).data)[r];
      }
      for (size_t t = 0; t < run.rows(run.node.inputs[0]); ++t) {
        run.row(run.node.outputs[piece.weight_idx], t)[r] =
            run.real.dot(run.row(run.node.inputs[0], t), row_K, K) + bias;
      }
    }
  });
}

size_t linear_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  size_t bytes = 0;
  for (size_t i = 0; i < n_matrices(shape.node); ++i) {
    const quant::Weight& weight = shape.graph.weight(shape.node.weights[i]);
    const size_t of_product = shape.table.product(*weight.format).scratch_bytes(weight.cols);
    bytes = std::max(bytes, real_bytes == sizeof(float) ? of_product : weight.cols * (sizeof(double) + sizeof(float)));
  }
  return bytes;
}

// dx. inputs: dy; weights: the matrix. Split over rows of the batch: each piece is kDxRows rows, which read all the
// weight.
constexpr size_t kDxRows = 16;

size_t dx_items(const NodeShape& shape) noexcept { return (shape.rows(shape.node.inputs[0]) + kDxRows - 1) / kDxRows; }

template <class Real>
void run_linear_dx(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const quant::Weight& weight = run.weight(0);
  const ir::Value dy = run.node.inputs[0];
  const size_t row_begin = begin * kDxRows;
  const size_t row_end = std::min(run.rows(dy), end * kDxRows);
  const size_t N = weight.rows;
  const size_t K = weight.cols;
  Real* dx = run.row(run.node.outputs[0], row_begin);
  std::fill_n(dx, (row_end - row_begin) * K, Real{0});
  if constexpr (std::is_same_v<Real, float>) {
    const kernels::WeightRows rows{weight.data, weight.row_bytes(), N, K};
    run.table.product(*weight.format)
        .transposed(rows, run.row(dy, row_begin), N, row_end - row_begin, dx, K, run.scratch);
  } else {
    auto* row_K = run.template scratch_as<double>();
    auto* decoded_K = reinterpret_cast<float*>(row_K + K);
    for (size_t r = 0; r < N; ++r) {
      weight.format->decode(weight.row(r), decoded_K, K);
      std::copy_n(decoded_K, K, row_K);
      for (size_t t = row_begin; t < row_end; ++t) {
        run.real.axpy(run.row(dy, t)[r], row_K, run.row(run.node.outputs[0], t), K);
      }
    }
  }
}

size_t dx_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  const quant::Weight& weight = shape.graph.weight(shape.node.weights[0]);
  if (real_bytes == sizeof(float)) return shape.table.product(*weight.format).scratch_bytes(weight.cols);
  return weight.cols * (sizeof(double) + sizeof(float));
}

// dw. inputs: x, dy. Pieces of kDwRows weight rows; tokens in order within each.
constexpr size_t kDwRows = 16;

size_t dw_items(const NodeShape& shape) noexcept {
  return (shape.graph.weight(shape.node.weights[0]).rows + kDwRows - 1) / kDwRows;
}

template <class Real>
void run_linear_dw(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const size_t N = run.weight(0).rows;
  const size_t K = run.weight(0).cols;
  const size_t row_begin = begin * kDwRows;
  const size_t row_end = std::min(N, end * kDwRows);
  run.real.outer_accumulate(run.reals(run.node.inputs[1]) + row_begin, N, run.reals(run.node.inputs[0]), K,
                            run.rows(run.node.inputs[0]), run.weight_gradient(0) + row_begin * K, row_end - row_begin,
                            K);
}

// db. inputs: dy; weights: the bias.
template <class Real>
void run_bias_dw(const Run<Real>& run, size_t /*begin*/, size_t /*end*/) noexcept {
  const size_t N = run.weight(0).cols;
  for (size_t t = 0; t < run.rows(run.node.inputs[0]); ++t) {
    run.real.axpy(Real{1}, run.row(run.node.inputs[0], t), run.weight_gradient(0), N);
  }
}

constexpr Op kLinearDx{{"linear_dx"}, dx_items, run_linear_dx<float>, run_linear_dx<double>, dx_scratch};
constexpr Op kLinearDw{{"linear_dw"}, dw_items, run_linear_dw<float>, run_linear_dw<double>};
constexpr Op kBiasDw{{"bias_dw"}, one_item, run_bias_dw<float>, run_bias_dw<double>};

void backward(Backward& back) {
  const ir::Value x = back.node.inputs[0];
  const ir::Value dy = back.d_output();
  if (!dy.valid()) return;
  const std::vector<ir::WeightId> matrix{back.node.weights[0]};
  back.set_d_input(0, back.b.add_one(kLinearDx, {{dy}, matrix}, back.b.type(x)));
  if (back.wants_weight(0)) back.b.add(kLinearDw, {{x, dy}, matrix}, {});
  if (back.attributes<Linear>().bias && back.wants_weight(1)) bias_gradient(back.b, dy, back.node.weights[1]);
}

constexpr Op kLinear{{"linear"}, linear_items, run_linear_f32, run_linear_f64, linear_scratch, backward};

}  // namespace

size_t product_granule(const quant::Format& format, const kernels::KernelTable& table) noexcept {
  // At least 16 rows: below that the call costs more than the split gains.
  constexpr size_t kLeastRows = 16;
  const size_t panel = table.product(format).panel_rows;
  return panel >= kLeastRows ? panel : (kLeastRows + panel - 1) / panel * panel;
}

void product_rows(const Run<float>& run, const quant::Weight& weight, ir::Value x, size_t row_begin, size_t row_end,
                  float* y, size_t y_stride, std::byte* scratch) noexcept {
  const kernels::ProductKernels& product = run.table.product(*weight.format);
  const kernels::WeightRows w{weight.row(row_begin), weight.row_bytes(), row_end - row_begin, weight.cols};
  const size_t T = run.rows(x);
  const kernels::ActivationRows rows{run.bytes(x), row_bytes(run.graph.type(x), sizeof(float)), T};
  (T <= kernels::kFewRows ? product.few : product.many)(w, rows, y, y_stride, scratch);
}

void bias_gradient(ir::Builder& b, ir::Value dy, ir::WeightId bias) { b.add(kBiasDw, {{dy}, {bias}}, {}); }

ir::Value linear(ir::Builder& b, ir::Value x, ir::WeightId weight, std::optional<ir::WeightId> bias) {
  const std::vector<ir::Adapter> adapters = b.adapters_of(weight);
  if (adapters.empty()) return plain_linear(b, x, weight, bias);
  return adapt(b, plain_linear(b, x, weight), x, adapters, bias);
}

ir::Value plain_linear(ir::Builder& b, ir::Value x, ir::WeightId weight, std::optional<ir::WeightId> bias) {
  KINGLET_CHECK(b.type(x).cols == b.weight(weight).cols, "linear: the weight's columns are the input's");
  auto attributes = std::make_shared<Linear>();
  std::vector<ir::WeightId> weights{weight};
  if (bias) {
    check_vector_weight(b.weight(*bias), b.weight(weight).rows);
    attributes->bias = true;
    weights.push_back(*bias);
  }
  return b.add_one(kLinear, {{x}, std::move(weights), std::move(attributes)}, {b.type(x).rows, b.weight(weight).rows});
}

bool is_linear(const ir::Node& node) noexcept { return node.op == &kLinear; }

bool is_plain_linear(const ir::Node& node) {
  if (!is_linear(node) || node.outputs.size() != 1) return false;
  const auto& attributes = static_cast<const Linear&>(*node.attributes);
  return !attributes.bias && !attributes.residual;
}

ir::Node grouped_linear(ir::Value x, const std::vector<const ir::Node*>& members) {
  ir::Node group{&kLinear, {x}, {}, {}, std::make_shared<Linear>()};
  for (const ir::Node* member : members) {
    group.outputs.push_back(member->outputs[0]);
    group.weights.push_back(member->weights[0]);
  }
  return group;
}

ir::Node residual_linear(const ir::Node& linear, ir::Value residual, ir::Value output) {
  auto attributes = std::make_shared<Linear>();
  attributes->residual = true;
  return {&kLinear, {linear.inputs[0], residual}, {output}, linear.weights, std::move(attributes)};
}

}  // namespace kinglet::ops
