// Facade of core/kernels: the kernel tables, one per instruction set.
//
// A table lists plain functions over memory, chosen once at start (select.h) and passed along. `scalar/` is the
// definition of correct; each wider table starts as a copy of the next lower one and replaces entries. Kernels are
// noexcept, allocate nothing, call no libm and keep no state; several threads may call them at once on different
// outputs. Widths, the order of sums and tolerances are part of the contract of each entry (product.h, real.h,
// attention.h).
#pragma once

#include <array>
#include <string_view>

#include "core/kernels/product.h"
#include "core/kernels/real.h"
#include "core/quant/quant.h"

namespace kinglet::kernels {

/// Instruction sets, from the narrowest to the widest of their architecture.
enum class Isa { kScalar, kAvx2, kAvx512, kNeon };

/// Values of whole blocks to a weight format, as quant::Format::encode: the same bytes in every table.
using EncodeWeightsFn = void (*)(const float* values, const float* importance, std::byte* blocks, size_t n) noexcept;

struct KernelTable {
  Isa isa = Isa::kScalar;
  std::string_view name;                                             ///< "avx512+vnni": for people.
  std::array<ProductKernels, quant::kMaxFormats> products{};         ///< By quant::index_of(format).
  EncodeFn encode_q8 = nullptr;                                      ///< f32 rows to Activation::kQ8.
  EncodeFn encode_q8k = nullptr;                                     ///< f32 rows to Activation::kQ8K.
  std::array<EncodeWeightsFn, quant::kMaxFormats> encode_weights{};  ///< By index; null as Format::encode is.
  RealKernels<float> real;                                           ///< Everything over plain floats.

  [[nodiscard]] const ProductKernels& product(const quant::Format& format) const noexcept {
    return products[quant::index_of(format)];
  }
};

}  // namespace kinglet::kernels
