// Where the data kit lies, and the machine for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "../usable_tables.h"
#include "home/system/json.h"

namespace kinglet::tests {

/// The kit's folder; empty where there is none (a user's clone).
inline std::string kit() {
  const char* folder = std::getenv("KINGLET_KIT");
  return folder != nullptr && std::filesystem::exists(folder) ? folder : "";
}

#define KINGLET_NEED_KIT() \
  if (::kinglet::tests::kit().empty()) GTEST_SKIP() << "the data kit is not here"

inline std::vector<int32_t> ids_of(const system::Json& json) {
  std::vector<int32_t> ids;
  for (const system::Json& id : json.as_array("ids")) ids.push_back(static_cast<int32_t>(id.as_integer("id")));
  return ids;
}

}  // namespace kinglet::tests
