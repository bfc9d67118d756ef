#include "core/ops/adapt.h"

#include <algorithm>
#include <type_traits>

#include "core/ops/linear.h"
#include "core/ops/vector_weight.h"

namespace kinglet::ops {
namespace {

// Rows of the batch that are worked on at once.
constexpr size_t kRows = 64;
// Output columns in a piece of work of backward.
constexpr size_t kCols = 16;

// Weights of an adapter in a node: B, then magnitude and lengths where it has them.
struct Part {
  size_t idx;  // of SequenceRows::adapters
  float scale;
  bool has_magnitude;
};

struct Adapt : ir::Attributes {
  std::vector<Part> parts;
  bool bias = false;       // the last weight
  bool of_logits = false;  // the last input says which rows of the batch these are
  size_t rank_bytes = 0;   // of f32 rows of the widest u
};

template <class Real>
const float* floats(const Run<Real>& run, size_t weight_idx) noexcept {
  return reinterpret_cast<const float*>(run.weight(weight_idx).data);
}

// Calls use(begin, end, sequence) for rows that follow one another in one sequence.
template <class Real, class Use>
void for_sequences(const Run<Real>& run, size_t n_rows, bool of_logits, const Use& use) noexcept {
  const std::span<const SequenceRows> sequences = run.batch.sequences;
  if (!of_logits) {
    for (const SequenceRows& sequence : sequences) {
      use(sequence.first_row, std::min(n_rows, sequence.first_row + sequence.n_rows), sequence);
    }
    return;
  }
  const int32_t* places = run.ints(run.node.inputs.back());
  const auto sequence_of = [&](size_t row) {
    const auto place = static_cast<size_t>(places[row]);
    return std::ranges::upper_bound(sequences, place, {}, &SequenceRows::first_row) - 1;
  };
  for (size_t begin = 0; begin < n_rows;) {
    const auto sequence = sequence_of(begin);
    size_t end = begin + 1;
    while (end < n_rows && sequence_of(end) == sequence) ++end;
    use(begin, end, *sequence);
    begin = end;
  }
}

size_t granule_of(const kernels::KernelTable& table) noexcept {
  return product_granule(*quant::find_by_name("F32"), table);
}

size_t adapt_items(const NodeShape& shape) noexcept {
  const ir::Value y = shape.node.outputs[0];
  const size_t granule = granule_of(shape.table);
  return shape.rows(y) == 0 ? 0 : (shape.graph.type(y).cols + granule - 1) / granule;
}

// low [n, m] = u B^T for columns [col, col + m): rows of u one after another.
template <class Real>
void low_rank_rows(const Run<Real>& run, size_t weight_idx, const Real* u, size_t n, size_t col, size_t m, Real* low,
                   std::byte* scratch) noexcept {
  const quant::Weight& b = run.weight(weight_idx);
  const size_t r = b.cols;
  if constexpr (std::is_same_v<Real, float>) {
    const kernels::ProductKernels& product = run.table.product(*b.format);
    const kernels::WeightRows w{b.row(col), b.row_bytes(), m, r};
    const kernels::ActivationRows rows{reinterpret_cast<const std::byte*>(u), r * sizeof(float), n};
    (n <= kernels::kFewRows ? product.few : product.many)(w, rows, low, m, scratch);
  } else {
    auto* b_row = reinterpret_cast<Real*>(scratch);
    for (size_t i = 0; i < m; ++i) {
      std::copy_n(floats(run, weight_idx) + (col + i) * r, r, b_row);
      for (size_t t = 0; t < n; ++t) low[t * m + i] = run.real.dot(u + t * r, b_row, r);
    }
  }
}

// Rows [begin, end) of columns [col, col + m), changed by one adapter with the factor c.
template <class Real>
void add_part(const Run<Real>& run, size_t part_idx, size_t weight_idx, Real c, size_t begin, size_t end, size_t col,
              size_t m) noexcept {
  const Part& part = run.template attributes<Adapt>().parts[part_idx];
  auto* low = run.template scratch_as<Real>();
  const ir::Value u = run.node.inputs[1 + part_idx];
  const auto scale = static_cast<Real>(part.scale);
  for (size_t first = begin; first < end; first += kRows) {
    const size_t n = std::min(kRows, end - first);
    low_rank_rows(run, weight_idx, run.row(u, first), n, col, m, low, run.scratch + kRows * m * sizeof(Real));
    for (size_t t = 0; t < n; ++t) {
      Real* y = run.row(run.node.outputs[0], first + t) + col;
      if (!part.has_magnitude) {
        run.real.axpy(c * scale, low + t * m, y, m);
        continue;
      }
      const Real* base = run.row(run.node.inputs[0], first + t) + col;
      const float* magnitude = floats(run, weight_idx + 1) + col;
      const float* length = floats(run, weight_idx + 2) + col;
      for (size_t i = 0; i < m; ++i) {
        const Real g = static_cast<Real>(magnitude[i]) / static_cast<Real>(length[i]);
        y[i] += c * ((g - Real{1}) * base[i] + g * scale * low[t * m + i]);
      }
    }
  }
}

template <class Real>
void run_adapt(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const auto& attributes = run.template attributes<Adapt>();
  const ir::Value out = run.node.outputs[0];
  const size_t granule = granule_of(run.table);
  const size_t T = run.rows(out);
  for (size_t col = begin * granule; col < std::min(run.cols(out), end * granule); col += granule) {
    const size_t m = std::min(granule, run.cols(out) - col);
    for (size_t t = 0; t < T; ++t) std::copy_n(run.row(run.node.inputs[0], t) + col, m, run.row(out, t) + col);
    for_sequences(run, T, attributes.of_logits, [&](size_t first, size_t last, const SequenceRows& sequence) {
      size_t weight_idx = 0;
      for (size_t i = 0; i < attributes.parts.size(); ++i) {
        const Part& part = attributes.parts[i];
        const auto c = static_cast<Real>(sequence.adapter(part.idx));
        if (c != Real{0}) add_part(run, i, weight_idx, c, first, last, col, m);
        weight_idx += part.has_magnitude ? 3 : 1;
      }
    });
    if (!attributes.bias) continue;
    const float* bias = floats(run, run.node.weights.size() - 1) + col;
    for (size_t t = 0; t < T; ++t) {
      Real* y = run.row(out, t) + col;
      for (size_t i = 0; i < m; ++i) y[i] += static_cast<Real>(bias[i]);
    }
  }
}

size_t adapt_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  const size_t rank_bytes = static_cast<const Adapt&>(*shape.node.attributes).rank_bytes;
  size_t of_product = rank_bytes * 2;  // one row in double
  if (real_bytes == sizeof(float)) {
    const quant::Weight& b = shape.graph.weight(shape.node.weights[0]);
    of_product = shape.table.product(*b.format).scratch_bytes(rank_bytes / sizeof(float));
  }
  return kRows * granule_of(shape.table) * real_bytes + of_product;
}

// Backward of one adapter: the node's attributes have it alone. g[i] is 1 without a magnitude.
template <class Real>
Real gain(const Run<Real>& run, size_t weight_idx, size_t col) noexcept {
  return static_cast<Real>(floats(run, weight_idx)[col]) / static_cast<Real>(floats(run, weight_idx + 1)[col]);
}

// dy of the product. inputs: dy; weights: magnitude and lengths of each adapter that has them.
template <class Real>
void run_d_product(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const auto& attributes = run.template attributes<Adapt>();
  const size_t N = run.cols(run.node.outputs[0]);
  const size_t T = run.rows(run.node.outputs[0]);
  for_sequences(run, T, attributes.of_logits, [&](size_t first, size_t last, const SequenceRows& sequence) {
    for (size_t t = std::max(first, begin); t < std::min(last, end); ++t) {
      const Real* dy = run.row(run.node.inputs[0], t);
      Real* dx = run.row(run.node.outputs[0], t);
      std::copy_n(dy, N, dx);
      for (size_t i = 0; i < attributes.parts.size(); ++i) {
        const auto c = static_cast<Real>(sequence.adapter(attributes.parts[i].idx));
        if (c == Real{0}) continue;
        for (size_t n = 0; n < N; ++n) dx[n] += c * (gain(run, 2 * i, n) - Real{1}) * dy[n];
      }
    }
  });
}

// du [T, r] = c scale (g dy) B. inputs: dy; weights: B (, magnitude, lengths).
size_t d_low_items(const NodeShape& shape) noexcept { return (shape.rows(shape.node.outputs[0]) + kCols - 1) / kCols; }

template <class Real>
void run_d_low(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const auto& attributes = run.template attributes<Adapt>();
  const Part& part = attributes.parts[0];
  const quant::Weight& b = run.weight(0);
  const size_t N = b.rows;
  const size_t r = b.cols;
  const ir::Value du = run.node.outputs[0];
  const size_t row_begin = begin * kCols;
  const size_t row_end = std::min(run.rows(du), end * kCols);
  auto* factors = run.template scratch_as<Real>();  // g dy of one row
  std::byte* rest = run.scratch + N * sizeof(Real);
  for_sequences(run, run.rows(du), attributes.of_logits, [&](size_t first, size_t last, const SequenceRows& sequence) {
    const Real c = static_cast<Real>(sequence.adapter(part.idx)) * static_cast<Real>(part.scale);
    for (size_t t = std::max(first, row_begin); t < std::min(last, row_end); ++t) {
      Real* out = run.row(du, t);
      std::fill_n(out, r, Real{0});
      if (c == Real{0}) continue;
      const Real* dy = run.row(run.node.inputs[0], t);
      for (size_t n = 0; n < N; ++n) factors[n] = c * dy[n] * (part.has_magnitude ? gain(run, 1, n) : Real{1});
      if constexpr (std::is_same_v<Real, float>) {
        const kernels::WeightRows rows{b.data, b.row_bytes(), N, r};
        run.table.product(*b.format).transposed(rows, factors, N, 1, out, r, rest);
      } else {
        auto* b_row = reinterpret_cast<Real*>(rest);
        for (size_t n = 0; n < N; ++n) {
          std::copy_n(floats(run, 0) + n * r, r, b_row);
          run.real.axpy(factors[n], b_row, out, r);
        }
      }
    }
  });
}

size_t d_low_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  const quant::Weight& b = shape.graph.weight(shape.node.weights[0]);
  const size_t of_row =
      real_bytes == sizeof(float) ? shape.table.product(*b.format).scratch_bytes(b.cols) : b.cols * sizeof(double);
  return b.rows * real_bytes + of_row;
}

// dB += c scale (g dy)^T u. inputs: dy, u; weights: B (, magnitude, lengths). Pieces of kCols rows of B.
size_t d_up_items(const NodeShape& shape) noexcept {
  return (shape.graph.weight(shape.node.weights[0]).rows + kCols - 1) / kCols;
}

template <class Real>
void run_d_up(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const auto& attributes = run.template attributes<Adapt>();
  const Part& part = attributes.parts[0];
  const size_t N = run.weight(0).rows;
  const size_t r = run.weight(0).cols;
  const ir::Value dy = run.node.inputs[0];
  auto* factors = run.template scratch_as<Real>();  // [kRows, kCols]
  for (size_t col = begin * kCols; col < std::min(N, end * kCols); col += kCols) {
    const size_t m = std::min(kCols, N - col);
    for_sequences(
        run, run.rows(dy), attributes.of_logits, [&](size_t first, size_t last, const SequenceRows& sequence) {
          const Real c = static_cast<Real>(sequence.adapter(part.idx)) * static_cast<Real>(part.scale);
          if (c == Real{0}) return;
          for (size_t row = first; row < last; row += kRows) {
            const size_t n = std::min(kRows, last - row);
            for (size_t t = 0; t < n; ++t) {
              const Real* of_row = run.row(dy, row + t) + col;
              for (size_t i = 0; i < m; ++i) {
                factors[t * kCols + i] = c * of_row[i] * (part.has_magnitude ? gain(run, 1, col + i) : Real{1});
              }
            }
            run.real.outer_accumulate(factors, kCols, run.row(run.node.inputs[1], row), r, n,
                                      run.weight_gradient(0) + col * r, m, r);
          }
        });
  }
}

size_t d_up_scratch(const NodeShape& /*shape*/, size_t real_bytes) noexcept { return kRows * kCols * real_bytes; }

// dm += c / l dy (y + scale B u). inputs: dy, y, u; weights: B, magnitude, lengths. Pieces as those of dB.
template <class Real>
void run_d_magnitude(const Run<Real>& run, size_t begin, size_t end) noexcept {
  const auto& attributes = run.template attributes<Adapt>();
  const Part& part = attributes.parts[0];
  const size_t N = run.weight(0).rows;
  const size_t r = run.weight(0).cols;
  const ir::Value dy = run.node.inputs[0];
  auto* b_row = run.template scratch_as<Real>();
  for (size_t n = begin * kCols; n < std::min(N, end * kCols); ++n) {
    std::copy_n(floats(run, 0) + n * r, r, b_row);
    const auto length = static_cast<Real>(floats(run, 2)[n]);
    for_sequences(run, run.rows(dy), attributes.of_logits,
                  [&](size_t first, size_t last, const SequenceRows& sequence) {
                    const auto c = static_cast<Real>(sequence.adapter(part.idx));
                    if (c == Real{0}) return;
                    for (size_t t = first; t < last; ++t) {
                      const Real low = run.real.dot(run.row(run.node.inputs[2], t), b_row, r);
                      const Real changed = run.row(run.node.inputs[1], t)[n] + static_cast<Real>(part.scale) * low;
                      run.weight_gradient(1)[n] += c * run.row(dy, t)[n] * changed / length;
                    }
                  });
  }
}

size_t b_row_scratch(const NodeShape& shape, size_t real_bytes) noexcept {
  return shape.graph.weight(shape.node.weights[0]).cols * real_bytes;
}

constexpr Op kAdaptDProduct{{"adapt_d_product"}, row_items, run_d_product<float>, run_d_product<double>};
constexpr Op kAdaptDLow{{"adapt_d_low"}, d_low_items, run_d_low<float>, run_d_low<double>, d_low_scratch};
constexpr Op kAdaptDUp{{"adapt_d_up"}, d_up_items, run_d_up<float>, run_d_up<double>, d_up_scratch};
constexpr Op kAdaptDMagnitude{
    {"adapt_d_magnitude"}, d_up_items, run_d_magnitude<float>, run_d_magnitude<double>, b_row_scratch};

void backward(Backward& back) {
  const ir::Value dy = back.d_output();
  if (!dy.valid()) return;
  const auto& attributes = back.attributes<Adapt>();
  const ir::Node& node = back.node;
  const auto inputs = [&](std::vector<ir::Value> values) {
    if (attributes.of_logits) values.push_back(node.inputs.back());
    return values;
  };
  auto gains = std::make_shared<Adapt>();
  gains->of_logits = attributes.of_logits;
  std::vector<ir::WeightId> gain_weights;
  size_t weight_idx = 0;
  for (size_t i = 0; i < attributes.parts.size(); ++i) {
    const Part& part = attributes.parts[i];
    auto alone = std::make_shared<Adapt>();
    alone->of_logits = attributes.of_logits;
    alone->parts = {part};
    const size_t n_weights = part.has_magnitude ? 3 : 1;
    const auto from = node.weights.begin() + static_cast<ptrdiff_t>(weight_idx);
    const std::vector<ir::WeightId> weights(from, from + static_cast<ptrdiff_t>(n_weights));
    const ir::Value u = node.inputs[1 + i];
    back.set_d_input(1 + i, back.b.add_one(kAdaptDLow, {inputs({dy}), weights, alone}, back.b.type(u)));
    if (back.wants_weight(weight_idx)) back.b.add(kAdaptDUp, {inputs({dy, u}), weights, alone}, {});
    if (part.has_magnitude) {
      if (back.wants_weight(weight_idx + 1)) {
        back.b.add(kAdaptDMagnitude, {inputs({dy, node.inputs[0], u}), weights, alone}, {});
      }
      gains->parts.push_back(part);
      gain_weights.insert(gain_weights.end(), weights.begin() + 1, weights.end());
    }
    weight_idx += n_weights;
  }
  const bool is_plain = gains->parts.empty();
  back.set_d_input(
      0, is_plain ? dy : back.b.add_one(kAdaptDProduct, {inputs({dy}), gain_weights, gains}, back.b.type(dy)));
  if (attributes.bias && back.wants_weight(weight_idx)) bias_gradient(back.b, dy, node.weights[weight_idx]);
}

constexpr Op kAdapt{{"adapt"}, adapt_items, run_adapt<float>, run_adapt<double>, adapt_scratch, backward};

}  // namespace

ir::Value adapt(ir::Builder& b, ir::Value y, ir::Value x, const std::vector<ir::Adapter>& adapters,
                std::optional<ir::WeightId> bias) {
  const ir::ValueType type = b.type(y);
  auto attributes = std::make_shared<Adapt>();
  std::vector<ir::Value> inputs{y};
  std::vector<ir::WeightId> weights;
  for (const ir::Adapter& adapter : adapters) {
    const quant::Weight& up = b.weight(adapter.b);
    KINGLET_CHECK(up.rows == type.cols && up.cols == b.weight(adapter.a).rows, "an adapter has its weight's shape");
    attributes->parts.push_back({adapter.idx, adapter.scale, adapter.magnitude.has_value()});
    attributes->rank_bytes = std::max(attributes->rank_bytes, up.row_bytes());
    inputs.push_back(plain_linear(b, x, adapter.a));
    weights.push_back(adapter.b);
    if (!adapter.magnitude) continue;
    KINGLET_CHECK(adapter.lengths.has_value(), "a magnitude stands beside the lengths that it replaces");
    for (const ir::WeightId vector : {*adapter.magnitude, *adapter.lengths}) {
      check_vector_weight(b.weight(vector), type.cols);
      weights.push_back(vector);
    }
  }
  attributes->of_logits = type.rows == ir::Rows(ir::Symbol::kLogitRows);
  if (attributes->of_logits) {
    inputs.push_back(b.input(ir::Input::kLogitRows));
  } else if (type.rows != ir::Rows(ir::Symbol::kTokens)) {
    fail_with(ErrorCode::kUnsupported, "adapter: ", b.weight(adapters[0].a).name,
              ": its weight is multiplied with something else than the rows of tokens");
  }
  if (bias) {
    check_vector_weight(b.weight(*bias), type.cols);
    attributes->bias = true;
    weights.push_back(*bias);
  }
  return b.add_one(kAdapt, {std::move(inputs), std::move(weights), std::move(attributes)}, type);
}

}  // namespace kinglet::ops
