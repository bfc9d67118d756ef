// The products of the avx2 folder.
#pragma once

#include "core/kernels/kernels.h"

namespace kinglet::kernels {

/// Replaces all products and the activation encoders.
void fill_avx2_products(KernelTable& table) noexcept;

}  // namespace kinglet::kernels
