#include "model/models/adapted.h"

#include <cmath>

namespace kinglet::models {
namespace {

quant::Weight view(std::string_view name, size_t rows, size_t cols, const std::vector<float>& values) {
  return {name, quant::find_by_name("F32"), rows, cols, reinterpret_cast<const std::byte*>(values.data())};
}

}  // namespace

void adapted_row(const quant::Weight& weight, const format::AdapterWeight& adapter, size_t row_idx,
                 std::vector<double>& row) {
  const size_t cols = weight.cols;
  std::vector<float> values(cols);
  weight.format->decode(weight.row(row_idx), values.data(), cols);
  row.assign(values.begin(), values.end());
  for (size_t j = 0; j < adapter.rank; ++j) {
    const double factor =
        static_cast<double>(adapter.scale) * static_cast<double>(adapter.b[row_idx * adapter.rank + j]);
    const float* a = adapter.a.data() + j * cols;
    for (size_t k = 0; k < cols; ++k) row[k] += factor * static_cast<double>(a[k]);
  }
}

std::vector<float> adapted_lengths(const quant::Weight& weight, const format::AdapterWeight& adapter) {
  std::vector<float> lengths(weight.rows);
  std::vector<double> row;
  for (size_t n = 0; n < weight.rows; ++n) {
    adapted_row(weight, adapter, n, row);
    double square = 0;
    for (const double x : row) square += x * x;
    lengths[n] = static_cast<float>(std::sqrt(square));
  }
  return lengths;
}

AdapterTensors::AdapterTensors(const format::AdapterWeight& adapter, size_t idx, const quant::Weight& weight)
    : adapter_(adapter),
      idx_(idx),
      a_name_(adapter.name + ".lora_a"),
      b_name_(adapter.name + ".lora_b"),
      magnitude_name_(adapter.name + ".lora_magnitude") {
  if (!adapter.magnitude.empty()) lengths_ = adapted_lengths(weight, adapter);
}

void AdapterTensors::add_to(ir::Graph& graph, ir::WeightId weight) const {
  ir::Adapter added;
  added.idx = idx_;
  added.scale = adapter_.scale;
  added.a = graph.add_weight(view(a_name_, adapter_.rank, adapter_.cols, adapter_.a));
  added.b = graph.add_weight(view(b_name_, adapter_.rows, adapter_.rank, adapter_.b));
  if (!adapter_.magnitude.empty()) {
    added.magnitude = graph.add_weight(view(magnitude_name_, 1, adapter_.rows, adapter_.magnitude));
    added.lengths = graph.add_weight(view({}, 1, adapter_.rows, lengths_));
  }
  graph.add_adapter(weight, added);
}

}  // namespace kinglet::models
