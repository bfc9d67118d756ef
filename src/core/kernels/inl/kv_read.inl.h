// A chunk of keys and values as attention reads it. A source gives 16 neighbours as a vector: keys.at(d, slot) are
// slots slot .. slot + 15 of element d, values.at(slot, d) elements d .. d + 15 of a slot. Sources of f32 and f16 can
// be read in place; to_f32 unpacks any type into room once, for many rows. Both give the same numbers. `ahead` asks for
// the line of the next page that has the same place.
#pragma once

#include "core/kernels/inl/rows.inl.h"
#include "core/kernels/real.h"
#include "core/quant/float16.h"
#include "core/quant/q4_0.h"
#include "core/quant/q8_0.h"

namespace kinglet::kernels {
namespace {

constexpr size_t kChunk = kPageTokens;
static_assert(kChunk == 32, "a chunk is two vectors");

/// D up to a whole number of vectors: the length of a row in room and of a sum.
constexpr size_t padded(size_t D) noexcept { return (D + 15) / 16 * 16; }

// Bytes that are read one after another, and where the same bytes of the next page are (or null).
template <class V>
struct PlainLines {
  const typename V::Real* first;
  size_t line;  // elements from a line to the next
  V at(size_t row, size_t i) const noexcept { return V::load(first + row * line + i); }
  void ahead(size_t) const noexcept {}
};

template <class V>
struct HalfLines {
  const uint16_t* first;
  const uint16_t* next;
  size_t line;
  V at(size_t row, size_t i) const noexcept { return V::load_f16(first + row * line + i); }
  void ahead(size_t row) const noexcept {
    if (next == nullptr) return;
    for (size_t i = 0; i < line; i += 32) __builtin_prefetch(next + row * line + i);
  }
};

// Keys of a page to [D][32].
template <class V>
void keys_to_f32(KvType type, const std::byte* head, size_t D, typename V::Real* room) noexcept {
  if (type == KvType::kF16) {
    const auto* halves = reinterpret_cast<const uint16_t*>(head);
    for (size_t i = 0; i < D * kChunk; i += 16) V::load_f16(halves + i).store(room + i);
  } else if (type == KvType::kQ8_0) {
    const auto* codes = reinterpret_cast<const int8_t*>(head);
    const auto* scales = reinterpret_cast<const uint16_t*>(head + D * kChunk);
    for (size_t d = 0; d < D; ++d) {
      for (size_t i = 0; i < kChunk; i += 16) {
        const V scale = V::load_f16(scales + d / 32 * kChunk + i);
        (V::load_i8(codes + d * kChunk + i) * scale).store(room + d * kChunk + i);
      }
    }
  } else if (type == KvType::kQ4_0) {
    const auto* codes = reinterpret_cast<const uint8_t*>(head);
    const auto* scales = reinterpret_cast<const uint16_t*>(head + D / 2 * kChunk);
    for (size_t line = 0; line < D / 2; ++line) {
      const size_t low = line / 16 * 32 + line % 16;
      for (size_t i = 0; i < kChunk; i += 16) {
        const V scale = V::load_f16(scales + line / 16 * kChunk + i);
        const uint8_t* bytes = codes + line * kChunk + i;
        (V::load_low4(bytes) * scale).store(room + low * kChunk + i);
        (V::load_high4(bytes) * scale).store(room + (low + 16) * kChunk + i);
      }
    }
  }
}

// One value to out[padded(D)].
template <class V>
void value_to_f32(KvType type, const std::byte* value, size_t D, typename V::Real* out) noexcept {
  using Real = typename V::Real;
  if (type == KvType::kQ8_0) {
    const auto* blocks = reinterpret_cast<const quant::BlockQ8_0*>(value);
    for (size_t i = 0; i < D; i += 16) {
      const quant::BlockQ8_0& block = blocks[i / 32];
      (V::load_i8(block.codes + i % 32) * V::set(static_cast<Real>(quant::f16_to_f32(block.d)))).store(out + i);
    }
    return;
  }
  if (type == KvType::kQ4_0) {
    const auto* blocks = reinterpret_cast<const quant::BlockQ4_0*>(value);
    for (size_t b = 0; b < D / 32; ++b) {
      const V scale = V::set(static_cast<Real>(quant::f16_to_f32(blocks[b].d)));
      (V::load_low4(blocks[b].codes) * scale).store(out + b * 32);
      (V::load_high4(blocks[b].codes) * scale).store(out + b * 32 + 16);
    }
    return;
  }
  size_t i = 0;
  for (; i + 16 <= D; i += 16) {
    (type == KvType::kF16 ? V::load_f16(reinterpret_cast<const uint16_t*>(value) + i)
                          : V::load(reinterpret_cast<const Real*>(value) + i))
        .store(out + i);
  }
  if (i == D) return;
  Real lanes[16] = {};
  for (size_t j = 0; i + j < D; ++j) {
    lanes[j] = type == KvType::kF16
                   ? static_cast<Real>(quant::f16_to_f32(reinterpret_cast<const uint16_t*>(value)[i + j]))
                   : reinterpret_cast<const Real*>(value)[i + j];
  }
  V::load(lanes).store(out + i);
}

}  // namespace
}  // namespace kinglet::kernels
