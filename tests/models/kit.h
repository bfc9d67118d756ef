// Where the data kit lies, and the machine for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "core/kernels/select.h"
#include "home/system/json.h"

namespace kinglet::tests {

/// The kit's folder; empty where there is none (a user's clone).
inline std::string kit() {
  const char* folder = std::getenv("KINGLET_KIT");
  return folder != nullptr && std::filesystem::exists(folder) ? folder : "";
}

#define KINGLET_NEED_KIT() \
  if (::kinglet::tests::kit().empty()) GTEST_SKIP() << "the data kit is not here"

/// All tables that this CPU can run.
inline std::vector<kernels::KernelTable> tables() {
  std::vector<kernels::KernelTable> all;
  for (const auto isa : {kernels::Isa::kScalar, kernels::Isa::kAvx2, kernels::Isa::kAvx512, kernels::Isa::kNeon}) {
    if (const auto table = kernels::select(kernels::detect(), isa)) all.push_back(*table);
  }
  return all;
}

inline std::vector<int32_t> ids_of(const system::Json& json) {
  std::vector<int32_t> ids;
  for (const system::Json& id : json.as_array("ids")) ids.push_back(static_cast<int32_t>(id.as_integer("id")));
  return ids;
}

}  // namespace kinglet::tests
