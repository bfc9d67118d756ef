// Sizes of a tensor with known dimensions, outermost first, row-major without gaps.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>

#include "core/base/check.h"
#include "core/base/str.h"

namespace kinglet::tensor {

/// Up to four dimensions. A scalar has none. The number of elements fits size_t (the maker has checked it).
class Shape {
 public:
  static constexpr size_t kMaxRank = 4;

  Shape() = default;
  Shape(std::initializer_list<size_t> dims) : Shape(std::span<const size_t>(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const size_t> dims) : rank_(dims.size()) {
    KINGLET_CHECK(dims.size() <= kMaxRank, "a shape has at most four dimensions");
    for (size_t i = 0; i < rank_; ++i) dims_[i] = dims[i];
  }

  [[nodiscard]] size_t rank() const noexcept { return rank_; }
  [[nodiscard]] size_t operator[](size_t i) const noexcept { return dims_[i]; }
  [[nodiscard]] std::span<const size_t> dims() const noexcept { return {dims_.data(), rank_}; }

  [[nodiscard]] size_t n_elements() const noexcept {
    size_t n = 1;
    for (size_t i = 0; i < rank_; ++i) n *= dims_[i];
    return n;
  }

  friend bool operator==(const Shape& a, const Shape& b) noexcept = default;

 private:
  std::array<size_t, kMaxRank> dims_{};
  size_t rank_ = 0;
};

/// "[2,5632]".
[[nodiscard]] inline std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.rank(); ++i) text += str(i == 0 ? "" : ",", shape[i]);
  return text + "]";
}

}  // namespace kinglet::tensor
