// What this machine can do at most, measured.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/base/base.h"
#include "core/kernels/peak.h"

namespace kinglet::cli {

/// Operations a second (a multiplication and an addition are two); 0 where the CPU has no such instruction.
struct ComputePeaks {
  double f32 = 0;
  double int8 = 0;
  double bf16 = 0;
};

/// Measured by all threads of the pool at once, each for about so long.
ComputePeaks measure_peaks(const kernels::PeakKernels& peaks, ThreadPool& pool, double seconds);

/// Bytes a second that all threads together read from this memory, the best of `n_passes` after one that warms up. Each
/// thread has a stretch of its own.
double measure_read(const kernels::PeakKernels& peaks, std::span<const std::span<const std::byte>> memory,
                    ThreadPool& pool, size_t n_passes);

/// "Intel(R) Xeon(R) ..."; empty where the system does not say.
std::string cpu_name();

}  // namespace kinglet::cli
