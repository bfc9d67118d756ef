// A model's adapters as weights of its graph, and what a matrix becomes by one.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "core/ir/ir.h"
#include "model/format/adapter.h"

namespace kinglet::models {

/// An adapter and how strongly it works where nobody says otherwise.
struct AdapterUse {
  format::Adapter adapter;
  float factor = 1.0F;
};

/// row = W[row_idx] + scale B[row_idx] A, `cols` values, in double. `weight` is the matrix as it lies in the file.
void adapted_row(const quant::Weight& weight, const format::AdapterWeight& adapter, size_t row_idx,
                 std::vector<double>& row);
/// The length of each such row; the adapter has a magnitude.
std::vector<float> adapted_lengths(const quant::Weight& weight, const format::AdapterWeight& adapter);

/// Tensors of one adapter under their names in a graph: NAME.lora_a, NAME.lora_b and NAME.lora_magnitude.
class AdapterTensors {
 public:
  /// `adapter` outlives it; `idx` is its place among those of the model. `weight` is the one that it changes.
  AdapterTensors(const format::AdapterWeight& adapter, size_t idx, const quant::Weight& weight);

  /// Adds them to a graph that has the weight.
  void add_to(ir::Graph& graph, ir::WeightId weight) const;
  [[nodiscard]] const format::AdapterWeight& adapter() const noexcept { return adapter_; }

 private:
  const format::AdapterWeight& adapter_;
  size_t idx_;
  std::string a_name_;
  std::string b_name_;
  std::string magnitude_name_;
  std::vector<float> lengths_;
};

}  // namespace kinglet::models
