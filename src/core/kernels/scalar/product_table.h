// The scalar products: the definition of correct.
#pragma once

#include "core/kernels/kernels.h"

namespace kinglet::kernels {

/// Fills the products of all formats that can be multiplied, and the activation encoders.
void fill_scalar_products(KernelTable& table) noexcept;

}  // namespace kinglet::kernels
