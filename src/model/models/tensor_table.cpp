#include "model/models/tensor_table.h"

namespace kinglet::models {

void TensorTable::per_layer(std::string_view name, size_t rows, size_t cols) {
  for (size_t i = 0; i < n_layers_; ++i) of_layer(i, name, rows, cols);
}

void TensorTable::per_layer_optional(std::string_view name, size_t rows, size_t cols) {
  for (size_t i = 0; i < n_layers_; ++i) of_layer_optional(i, name, rows, cols);
}

ir::WeightId WeightNames::operator[](std::string_view name) const {
  const auto id = find(name);
  KINGLET_CHECK(id.has_value(), "a description asks for a weight that its architecture does not declare");
  return *id;
}

std::optional<ir::WeightId> WeightNames::find(std::string_view name) const {
  const auto place = ids_.find(name);
  if (place == ids_.end()) return std::nullopt;
  return place->second;
}

}  // namespace kinglet::models
