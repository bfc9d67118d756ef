#include "core/kernels/avx2/weight_encoders.h"

#include "core/kernels/inl/weight_encoders.inl.h"

namespace kinglet::kernels {

void fill_avx2_weight_encoders(KernelTable& table) noexcept { set_k_encoders<quant::Lanes<32>>(table); }

}  // namespace kinglet::kernels
