// Memory for tests of kernels: numbers off alignment, with canaries on both sides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/base/base.h"

namespace kinglet::kernels {

/// n elements of T that begin `offset` elements behind a 64-byte boundary.
template <class T>
class Guarded {
 public:
  Guarded(size_t n, size_t offset) : n_(n), bytes_(2 * kGuard + 64 + (n + offset) * sizeof(T), kCanary) {
    const size_t misaligned = reinterpret_cast<uintptr_t>(bytes_.data() + kGuard) % 64;
    first_ = kGuard + (64 - misaligned) % 64 + offset * sizeof(T);
    std::memset(bytes_.data() + first_, 0, n * sizeof(T));
  }

  [[nodiscard]] T* data() noexcept { return reinterpret_cast<T*>(bytes_.data() + first_); }
  [[nodiscard]] T& operator[](size_t i) noexcept { return data()[i]; }
  [[nodiscard]] size_t size() const noexcept { return n_; }
  [[nodiscard]] std::vector<T> copy() { return {data(), data() + n_}; }

  /// Whether all that lies before and behind is as it was.
  [[nodiscard]] bool is_intact() const noexcept {
    for (size_t i = 0; i < bytes_.size(); ++i) {
      if ((i < first_ || i >= first_ + n_ * sizeof(T)) && bytes_[i] != kCanary) return false;
    }
    return true;
  }

  /// Numbers in [low, high) that are f32, also where T is double.
  Guarded& fill(Philox& random, float low = -2.0F, float high = 2.0F) {
    for (size_t i = 0; i < n_; ++i) data()[i] = static_cast<T>(low + (high - low) * random.next_float());
    return *this;
  }

 private:
  static constexpr size_t kGuard = 192;
  static constexpr std::byte kCanary{0xA5};
  size_t n_;
  size_t first_ = 0;
  std::vector<std::byte> bytes_;
};

}  // namespace kinglet::kernels
