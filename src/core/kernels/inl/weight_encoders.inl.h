// The encoders of the K formats for registers of one width. Included once by each instruction set.
#pragma once

#include "core/kernels/kernels.h"
#include "core/quant/k_encode.inl.h"

namespace kinglet::kernels {
namespace {

template <class Block, class L>
void encode_blocks_of(const float* values, const float* importance, std::byte* blocks, size_t n) noexcept {
  auto* block = reinterpret_cast<Block*>(blocks);
  for (size_t i = 0; i < n / 256; ++i) {
    quant::encode_k<L>(values + i * 256, importance == nullptr ? nullptr : importance + i * 256, block[i]);
  }
}

template <class L>
void set_k_encoders(KernelTable& table) noexcept {
  constexpr uint32_t kFirst = 10;  // the numbers of Q2_K to Q6_K in a file follow each other
  constexpr EncodeWeightsFn kEncoders[] = {encode_blocks_of<quant::BlockQ2K, L>, encode_blocks_of<quant::BlockQ3K, L>,
                                           encode_blocks_of<quant::BlockQ4K, L>, encode_blocks_of<quant::BlockQ5K, L>,
                                           encode_blocks_of<quant::BlockQ6K, L>};
  for (uint32_t i = 0; i < 5; ++i) {
    table.encode_weights[quant::index_of(*quant::find_by_gguf_id(kFirst + i))] = kEncoders[i];
  }
}

}  // namespace
}  // namespace kinglet::kernels
