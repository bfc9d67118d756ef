// A read-only view of a tensor of a model file.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/quant/format.h"

namespace kinglet::quant {

/// rows x cols elements, row-major, each row a whole number of blocks. Does not own: the mapped file (or buffer)
/// and the name outlive it. A vector is one row. Stacked matrices (experts) count all their rows.
struct Weight {
  std::string_view name;
  const Format* format = nullptr;
  size_t rows = 0;
  size_t cols = 0;
  const std::byte* data = nullptr;

  [[nodiscard]] size_t row_bytes() const noexcept { return format->row_bytes(cols); }
  [[nodiscard]] size_t size_bytes() const noexcept { return rows * row_bytes(); }
  [[nodiscard]] const std::byte* row(size_t row_idx) const noexcept { return data + row_idx * row_bytes(); }
};

}  // namespace kinglet::quant
