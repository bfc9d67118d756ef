// Philox4x32-10: a counter-based random generator (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy
// as 1, 2, 3", SC 2011). A draw is a function of (seed, stream, index) alone, so a request's draws do not depend
// on what runs beside it.
#pragma once

#include <array>
#include <cstdint>

namespace kinglet {

/// The four words of one block. `key` is the seed, `counter` the position.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) noexcept;

/// A sequence of draws. Copyable: a copy repeats the same draws.
class Philox {
 public:
  explicit Philox(uint64_t seed, uint64_t stream = 0) noexcept : seed_(seed), stream_(stream) {}

  uint32_t next_u32() noexcept;
  /// Uniform in [0, 1) with 24 random bits.
  float next_float() noexcept { return static_cast<float>(next_u32() >> 8) * 0x1p-24F; }
  /// Uniform in [0, 1) with 53 random bits.
  double next_double() noexcept;

  [[nodiscard]] uint64_t index() const noexcept { return index_; }
  void seek(uint64_t index) noexcept { index_ = index; }

 private:
  uint64_t seed_;
  uint64_t stream_;
  uint64_t index_ = 0;  // draws taken so far
};

}  // namespace kinglet
