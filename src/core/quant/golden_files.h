// Reads tests/golden/quant (tools/make_quant_goldens), for tests.
#pragma once

#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/base.h"

namespace kinglet::quant {

/// The whole file. `source` is the source tree: the variable KINGLET_SOURCE, which ctest sets; null: the working
/// folder.
inline std::vector<std::byte> golden_bytes(const char* source, std::string_view name) {
  const std::string path = str(source == nullptr ? "." : source, "/tests/golden/quant/", name);
  std::ifstream file(path, std::ios::binary);
  if (!file) fail_with(ErrorCode::kNotFound, path, ": no such file; set KINGLET_SOURCE");
  const std::string content((std::istreambuf_iterator<char>(file)), {});
  std::vector<std::byte> bytes(content.size());
  std::memcpy(bytes.data(), content.data(), content.size());
  return bytes;
}

template <class T>
T golden_value(const std::vector<std::byte>& bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

inline std::vector<float> golden_floats(const std::vector<std::byte>& bytes, size_t at, size_t n) {
  std::vector<float> values(n);
  std::memcpy(values.data(), bytes.data() + at, n * sizeof(float));
  return values;
}

}  // namespace kinglet::quant
