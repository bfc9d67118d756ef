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

/// The first element of largest magnitude, with its sign (of zeros too, as the field has it). n > 0.
inline float signed_peak(const float* values, size_t n) noexcept {
  float peak = values[0];
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

/// 1 / d; 0 where that is not finite: d is 0, or so small that its f16 is 0 and no code matters.
inline float inverse_of(float d) noexcept {
  const float inverse = 1.0F / d;
  return inverse < __builtin_inff() && inverse > -__builtin_inff() ? inverse : 0.0F;
}

/// x without its fraction, within [0, top]; 0 for what is no number (a range over f32's gives that).
inline int whole(float x, int top) noexcept {
  if (!(x > 0.0F)) return 0;
  return x < static_cast<float>(top) ? static_cast<int>(x) : top;
}

}  // namespace kinglet::quant
