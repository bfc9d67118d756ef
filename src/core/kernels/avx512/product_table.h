// The products of the avx512 folder.
#pragma once

#include "core/kernels/kernels.h"

namespace kinglet::kernels {

/// Replaces the products of float formats, the activation encoders and the transposed products.
void fill_avx512_products(KernelTable& table) noexcept;

}  // namespace kinglet::kernels
