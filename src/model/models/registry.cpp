#include "model/models/registry.h"

#include <algorithm>
#include <array>

#include "model/models/architectures.h"

namespace kinglet::models {

std::span<const Architecture> architectures() {
  static const std::array kAll = {
      llama(),
  };
  return kAll;
}

const Architecture* find_architecture(std::string_view name) {
  const auto all = architectures();
  const auto found = std::ranges::find(all, name, &Architecture::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace kinglet::models
