// The encoders of weights of the avx512 folder.
#pragma once

#include "core/kernels/kernels.h"

namespace kinglet::kernels {

/// Replaces the encoders of the K formats.
void fill_avx512_weight_encoders(KernelTable& table) noexcept;

}  // namespace kinglet::kernels
