// What the avx2 folder adds to a kernel table.
#pragma once

#include "core/kernels/kernels.h"

namespace kinglet::kernels {

void fill_avx2_real(RealKernels<float>& table) noexcept;

}  // namespace kinglet::kernels
