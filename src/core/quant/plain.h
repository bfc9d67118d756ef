// Unblocked formats: floats, which products take as they are, and integers, which only files hold.
#pragma once

#include "core/quant/format.h"

namespace kinglet::quant {

Format f32() noexcept;
Format f16() noexcept;
Format bf16() noexcept;
Format f64() noexcept;
Format i8() noexcept;
Format i16() noexcept;
Format i32() noexcept;
Format i64() noexcept;

}  // namespace kinglet::quant
