// What an instruction set has to show of its limits. Included where it is compiled for, so without the library's
// headers.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <cstddef>

namespace kinglet::kernels {

/// Independent multiply-adds in registers. What run() gives depends on all of them, so that none is left out.
struct PeakLoop {
  uint64_t (*run)(size_t n_rounds) noexcept = nullptr;  ///< Null: the CPU has no such instruction.
  size_t ops_per_round = 0;                             ///< A multiplication and an addition are two.
};

struct PeakKernels {
  /// Reads n_bytes, a multiple of kReadStep; 64-byte aligned.
  uint64_t (*read)(const std::byte* data, size_t n_bytes) noexcept = nullptr;
  PeakLoop f32;
  PeakLoop int8;  ///< 8-bit products summed in 32 bits.
  PeakLoop bf16;

  static constexpr size_t kReadStep = 512;
};

/// Each replaces what its instructions do better.
void fill_scalar_peaks(PeakKernels& peaks) noexcept;
void fill_avx2_peaks(PeakKernels& peaks) noexcept;
void fill_avx512_peaks(PeakKernels& peaks) noexcept;
void fill_avx512vnni_peaks(PeakKernels& peaks) noexcept;
void fill_avx512bf16_peaks(PeakKernels& peaks) noexcept;

}  // namespace kinglet::kernels
