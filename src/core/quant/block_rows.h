// Walks rows of blocks: turns a function over one block into the functions that a Format holds.
#pragma once

#include <cstddef>

#include "core/quant/format.h"

namespace kinglet::quant {

/// decode(block, values) for each block of n elements.
template <class Block, size_t kLen, void (*decode)(const Block&, float*) noexcept>
void decode_blocks(const std::byte* blocks, float* values, size_t n) noexcept {
  const auto* block = reinterpret_cast<const Block*>(blocks);
  for (size_t i = 0; i < n / kLen; ++i) decode(block[i], values + i * kLen);
}

/// encode(values, importance or null, block) for each block of n elements.
template <class Block, size_t kLen, void (*encode)(const float*, const float*, Block&) noexcept>
void encode_blocks(const float* values, const float* importance, std::byte* blocks, size_t n) noexcept {
  auto* block = reinterpret_cast<Block*>(blocks);
  for (size_t i = 0; i < n / kLen; ++i) {
    encode(values + i * kLen, importance == nullptr ? nullptr : importance + i * kLen, block[i]);
  }
}

/// The element of largest magnitude, with its sign; 0 for none.
inline float signed_peak(const float* values, size_t n) noexcept {
  float peak = 0.0F;
  float magnitude = 0.0F;
  for (size_t i = 0; i < n; ++i) {
    const float here = values[i] < 0.0F ? -values[i] : values[i];
    if (here > magnitude) {
      magnitude = here;
      peak = values[i];
    }
  }
  return peak;
}

}  // namespace kinglet::quant
