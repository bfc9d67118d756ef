#include "core/kernels/avx512/vec.h"
#include "core/kernels/avx512vnni/lanes.h"
// After the vectors, whose functions the templates call.
#include "core/kernels/avx512vnni/product_table.h"
#include "core/kernels/inl/product_rows.inl.h"

namespace kinglet::kernels {

void fill_avx512vnni_products(KernelTable& table) noexcept { set_panel_products<Vec, Lanes>(table); }

}  // namespace kinglet::kernels
