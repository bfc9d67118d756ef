// Arithmetic on sizes that come from files: an overflow is an answer, not an accident.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>

namespace kinglet {

template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> checked_add(T a, T b) noexcept {
  T sum{};
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> checked_mul(T a, T b) noexcept {
  T product{};
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

/// The smallest multiple of `step` that is not below `n`; step > 0, and the caller knows that it does not overflow.
[[nodiscard]] constexpr uint64_t round_up(uint64_t n, uint64_t step) noexcept { return (n + step - 1) / step * step; }

}  // namespace kinglet
