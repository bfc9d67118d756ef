#include "core/kernels/avx512/vec.h"
// After the vector, whose functions the templates call.
#include "core/kernels/avx512/product_table.h"
#include "core/kernels/inl/product_rows.inl.h"

namespace kinglet::kernels {

void fill_avx512_products(KernelTable& table) noexcept { set_float_products<Vec>(table); }

}  // namespace kinglet::kernels
