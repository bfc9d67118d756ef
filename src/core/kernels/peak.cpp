#include "core/kernels/peak.h"

namespace kinglet::kernels {

PeakKernels peak_kernels([[maybe_unused]] const CpuFeatures& features, [[maybe_unused]] Isa isa) noexcept {
  PeakKernels peaks;
  fill_scalar_peaks(peaks);
#if defined(__x86_64__)
  if (isa == Isa::kAvx2 || isa == Isa::kAvx512) fill_avx2_peaks(peaks);
#if !defined(KINGLET_SIMDE)  // emulated instructions have no limits worth knowing
  if (isa == Isa::kAvx512) fill_avx512_peaks(peaks);
  if (isa == Isa::kAvx512 && features.avx512_vnni) fill_avx512vnni_peaks(peaks);
  if (isa == Isa::kAvx512 && features.avx512_bf16) fill_avx512bf16_peaks(peaks);
#endif
#endif
  return peaks;
}

}  // namespace kinglet::kernels
