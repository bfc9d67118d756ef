// The products of the avx512vnni folder.
#pragma once

#include "core/kernels/kernels.h"

namespace kinglet::kernels {

/// Replaces the products of quantized formats.
void fill_avx512vnni_products(KernelTable& table) noexcept;

}  // namespace kinglet::kernels
