#include "core/kernels/peak.h"

namespace kinglet::kernels {

PeakKernels peak_kernels(const CpuFeatures& features, Isa isa) noexcept {
  PeakKernels peaks;
  fill_scalar_peaks(peaks);
#if defined(__x86_64__)
  if (isa == Isa::kAvx2 || isa == Isa::kAvx512) fill_avx2_peaks(peaks);
  if (isa == Isa::kAvx512) fill_avx512_peaks(peaks);
  if (isa == Isa::kAvx512 && features.avx512_vnni) fill_avx512vnni_peaks(peaks);
  if (isa == Isa::kAvx512 && features.avx512_bf16) fill_avx512bf16_peaks(peaks);
#else
  static_cast<void>(features);
  static_cast<void>(isa);
#endif
  return peaks;
}

}  // namespace kinglet::kernels
