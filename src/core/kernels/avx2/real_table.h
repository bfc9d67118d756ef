// The real kernels of the avx2 folder.
#pragma once

#include "core/kernels/real.h"

namespace kinglet::kernels {

/// Replaces all entries.
void fill_avx2_real(RealKernels<float>& table) noexcept;

}  // namespace kinglet::kernels
