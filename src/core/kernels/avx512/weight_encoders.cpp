#include "core/kernels/avx512/weight_encoders.h"

#include "core/kernels/inl/weight_encoders.inl.h"

namespace kinglet::kernels {

void fill_avx512_weight_encoders(KernelTable& table) noexcept { set_k_encoders<quant::Lanes<64>>(table); }

}  // namespace kinglet::kernels
