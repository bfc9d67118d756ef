// What the avx512 folder adds to a kernel table.
#pragma once

#include "core/kernels/kernels.h"

namespace kinglet::kernels {

void fill_avx512_real(RealKernels<float>& table) noexcept;

}  // namespace kinglet::kernels
