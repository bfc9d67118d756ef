// The real kernels of the avx512 folder.
#pragma once

#include "core/kernels/real.h"

namespace kinglet::kernels {

/// Replaces all entries.
void fill_avx512_real(RealKernels<float>& table) noexcept;

}  // namespace kinglet::kernels
