// Element types of values that a graph computes. Weights have a quant::Format instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kinglet::tensor {

enum class DType : uint8_t { kF32, kF64, kI32 };

[[nodiscard]] constexpr size_t size_of(DType type) noexcept { return type == DType::kF64 ? 8 : 4; }

[[nodiscard]] constexpr std::string_view name_of(DType type) noexcept {
  switch (type) {
    case DType::kF32:
      return "F32";
    case DType::kF64:
      return "F64";
    case DType::kI32:
      return "I32";
  }
  return "?";
}

}  // namespace kinglet::tensor
