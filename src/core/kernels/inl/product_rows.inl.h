// The rows of a table's products, for a vector V (vec.h) and a vocabulary L of panels (lanes.h).
#pragma once

#include "core/kernels/inl/encode.inl.h"
#include "core/kernels/inl/float_product.inl.h"
#include "core/kernels/inl/panel256.inl.h"
#include "core/kernels/inl/panel32.inl.h"
#include "core/kernels/inl/transposed.inl.h"
#include "core/kernels/kernels.h"
#include "core/quant/iq1_m.h"
#include "core/quant/iq1_s.h"
#include "core/quant/iq2_s.h"
#include "core/quant/iq2_xs.h"
#include "core/quant/iq2_xxs.h"
#include "core/quant/iq3_s.h"
#include "core/quant/iq3_xxs.h"
#include "core/quant/plain.h"
#include "core/quant/tq1_0.h"

namespace kinglet::kernels {
namespace {

// The place of a format in the table. Called at start; the list of formats is compiled elsewhere.
template <auto make_format>
ProductKernels& product_of(KernelTable& table) noexcept {
  return table.products[quant::index_of(*quant::find_by_gguf_id(make_format().gguf_id))];
}

template <class V, auto make_format>
void transposed(const WeightRows& w, const float* dy, size_t dy_stride, size_t n_tokens, float* dx, size_t dx_stride,
                std::byte* scratch) noexcept {
  const quant::Format format = make_format();
  transposed_product<V>(w, format.block_len, format.block_bytes, format.decode, dy, dy_stride, n_tokens, dx, dx_stride,
                        scratch);
}

inline size_t float_scratch(size_t /*cols*/) noexcept { return kTransposedScratch; }

template <class V, class Weight, auto make_format>
void set_float(KernelTable& table) noexcept {
  product_of<make_format>(table) = {float_product<V, Weight>, float_product<V, Weight>, transposed<V, make_format>,
                                    float_scratch, 16};
}

template <class V, class Family, auto make_format>
void set_panels(KernelTable& table) noexcept {
  using Product = PanelProduct<Family>;
  constexpr auto kScratch = [](size_t cols) noexcept {
    const size_t bytes = Product::scratch_bytes(cols);
    return bytes > kTransposedScratch ? bytes : kTransposedScratch;
  };
  product_of<make_format>(table) = {Product::few, Product::many, transposed<V, make_format>, kScratch,
                                    Family::L::kRows * Family::L::kTilePanels};
}

template <class V, class L>
void set_panel_products(KernelTable& table) noexcept {
  set_panels<V, Family32<L, PanelQ4_0>, quant::q4_0>(table);
  set_panels<V, Family32<L, PanelQ4_1>, quant::q4_1>(table);
  set_panels<V, Family32<L, PanelQ5_0>, quant::q5_0>(table);
  set_panels<V, Family32<L, PanelQ5_1>, quant::q5_1>(table);
  set_panels<V, Family32<L, PanelQ8_0<L::kSignedDot>>, quant::q8_0>(table);
  set_panels<V, Family256<L, PanelQ2K>, quant::q2_k>(table);
  set_panels<V, Family256<L, PanelQ3K>, quant::q3_k>(table);
  set_panels<V, Family256<L, PanelQ4K>, quant::q4_k>(table);
  set_panels<V, Family256<L, PanelQ5K>, quant::q5_k>(table);
  set_panels<V, Family256<L, PanelQ6K>, quant::q6_k>(table);
  set_panels<V, Family32<L, PanelIQ4NL<L::kSignedDot>>, quant::iq4_nl>(table);
  set_panels<V, Family32<L, PanelMXFP4<L::kSignedDot>>, quant::mxfp4>(table);
  set_panels<V, Family256<L, PanelTQ2_0>, quant::tq2_0>(table);
  set_panels<V, Family256<L, PanelIQ4XS<L::kSignedDot>>, quant::iq4_xs>(table);
  set_panels<V, Family256<L, PanelSuperCodes<quant::BlockIQ1S, L::kSignedDot>>, quant::iq1_s>(table);
  set_panels<V, Family256<L, PanelSuperCodes<quant::BlockIQ1M, L::kSignedDot>>, quant::iq1_m>(table);
  set_panels<V, Family256<L, PanelSuperCodes<quant::BlockIQ2XXS, L::kSignedDot>>, quant::iq2_xxs>(table);
  set_panels<V, Family256<L, PanelSuperCodes<quant::BlockIQ2XS, L::kSignedDot>>, quant::iq2_xs>(table);
  set_panels<V, Family256<L, PanelSuperCodes<quant::BlockIQ2S, L::kSignedDot>>, quant::iq2_s>(table);
  set_panels<V, Family256<L, PanelSuperCodes<quant::BlockIQ3XXS, L::kSignedDot>>, quant::iq3_xxs>(table);
  set_panels<V, Family256<L, PanelSuperCodes<quant::BlockIQ3S, L::kSignedDot>>, quant::iq3_s>(table);
  set_panels<V, Family256<L, PanelSuperCodes<quant::BlockTQ1_0, L::kSignedDot>>, quant::tq1_0>(table);
}

template <class V>
void set_float_products(KernelTable& table) noexcept {
  set_float<V, WeightF32, quant::f32>(table);
  set_float<V, WeightHalf<false>, quant::f16>(table);
  set_float<V, WeightHalf<true>, quant::bf16>(table);
  table.encode_q8 = encode_q8<V>;
  table.encode_q8k = encode_q8k<V>;
}

}  // namespace
}  // namespace kinglet::kernels
