#include "core/kernels/avx512/vec.h"
// After the vector, whose functions the templates call.
#include "core/kernels/avx512/real_table.h"
#include "core/kernels/inl/real.inl.h"

namespace kinglet::kernels {

void fill_avx512_real(RealKernels<float>& table) noexcept { table = real_kernels_of<Vec>(); }

}  // namespace kinglet::kernels
