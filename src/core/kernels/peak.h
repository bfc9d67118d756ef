// Loops that show what the machine can do at most: the limits that `doctor` and `bench` measure and compare with.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/kernels/select.h"

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

/// The widest loops of the instruction set of a table; the features have it.
PeakKernels peak_kernels(const CpuFeatures& features, Isa isa) noexcept;

/// Each replaces what its instructions do better.
void fill_scalar_peaks(PeakKernels& peaks) noexcept;
void fill_avx2_peaks(PeakKernels& peaks) noexcept;
void fill_avx512_peaks(PeakKernels& peaks) noexcept;
void fill_avx512vnni_peaks(PeakKernels& peaks) noexcept;
void fill_avx512bf16_peaks(PeakKernels& peaks) noexcept;

}  // namespace kinglet::kernels
