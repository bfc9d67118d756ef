#include "core/kernels/avx2/lanes.h"
#include "core/kernels/avx2/vec.h"
// After the vectors, whose functions the templates call.
#include "core/kernels/avx2/product_table.h"
#include "core/kernels/inl/product_rows.inl.h"

namespace kinglet::kernels {

void fill_avx2_products(KernelTable& table) noexcept {
  set_float_products<Vec>(table);
  set_panel_products<Vec, Lanes>(table);
}

}  // namespace kinglet::kernels
