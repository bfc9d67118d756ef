#include "model/models/tensor_table.h"

namespace kinglet::models {

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
