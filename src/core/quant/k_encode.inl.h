// The encoders of the K formats over one block of 256 values, for any width of registers (lanes.h): the reference
// functions of the formats and the kernels of each instruction set are made of these, so their bytes are equal.
#pragma once

#include "core/quant/block_rows.h"
#include "core/quant/q2_k.h"
#include "core/quant/q3_k.h"
#include "core/quant/q4_k.h"
#include "core/quant/q5_k.h"
#include "core/quant/q6_k.h"
#include "core/quant/scale_search.inl.h"

namespace kinglet::quant {
namespace {

constexpr size_t kGroupsOf16 = 16;
constexpr size_t kLen16 = 16;

template <class L>
inline void encode_k(const float* x, const float* importance, BlockQ2K& block) noexcept {
  block = {};
  GroupFit fits[kGroupsOf16];
  float weights[256];
  block_weights<L>(x, importance, 256, kLen16, weights);
  for (size_t g = 0; g < kGroupsOf16; ++g) {
    fits[g] = fit_scale_and_minimum<L>(x + g * kLen16, weights + g * kLen16, kLen16, 3);
  }
  const ScalesAndMinima packed = pack_scales_and_minima(fits, kGroupsOf16, 15);
  block.d = packed.d;
  block.dmin = packed.dmin;
  const float d = f16_to_f32(packed.d);
  const float dmin = f16_to_f32(packed.dmin);
  for (size_t g = 0; g < kGroupsOf16; ++g) {
    const GroupChoice choice = best_choice<L>(x + g * kLen16, weights + g * kLen16, kLen16, 3,
                                              {d, dmin, packed.scales[g], packed.minima[g], 15});
    block.scales[g] = static_cast<uint8_t>(choice.scale | (choice.minimum << 4));
    for (size_t i = 0; i < kLen16; ++i) {
      const size_t at = g * kLen16 + i;
      uint8_t& byte = block.codes[at / 128 * 32 + at % 32];
      byte = static_cast<uint8_t>(byte | (choice.codes[i] << (at % 128 / 32 * 2)));
    }
  }
}

template <class L>
inline void encode_k(const float* x, const float* importance, BlockQ3K& block) noexcept {
  block = {};
  float weights[256];
  float scales[kGroupsOf16];
  block_weights<L>(x, importance, 256, kLen16, weights);
  for (size_t g = 0; g < kGroupsOf16; ++g) {
    scales[g] = fit_symmetric_scale<L>(x + g * kLen16, weights + g * kLen16, kLen16, 4);
  }
  SymmetricChoice choice = pack_symmetric_scales<L>(x, weights, scales, kGroupsOf16, kLen16, 4, 32);
  block.d = choice.d;
  for (size_t g = 0; g < kGroupsOf16; ++g) {
    const auto code = static_cast<unsigned>(choice.scales[g] + 32);
    block.scales[g % 8] = static_cast<uint8_t>(block.scales[g % 8] | ((code & 15U) << (g < 8 ? 0U : 4U)));
    block.scales[8 + g % 4] = static_cast<uint8_t>(block.scales[8 + g % 4] | ((code >> 4U) << (2 * (g / 4))));
  }
  for (size_t i = 0; i < 256; ++i) {
    const auto code = static_cast<unsigned>(choice.codes[i] + 4);
    uint8_t& low = block.codes[i / 128 * 32 + i % 32];
    low = static_cast<uint8_t>(low | ((code & 3U) << (i % 128 / 32 * 2)));
    block.high[i % 32] = static_cast<uint8_t>(block.high[i % 32] | ((code >> 2U) << (i / 32)));
  }
}

template <class L>
inline void encode_k(const float* x, const float* importance, BlockQ4K& block) noexcept {
  block = {};
  const SixBitGroups groups = fit_six_bit_groups<L>(x, importance, 15);
  block.d = groups.d;
  block.dmin = groups.dmin;
  __builtin_memcpy(block.scales, groups.packed, sizeof(block.scales));
  for (size_t i = 0; i < 256; ++i) {
    uint8_t& byte = block.codes[i / 64 * 32 + i % 32];
    byte = static_cast<uint8_t>(byte | (groups.codes[i] << (i / 32 % 2 * 4)));
  }
}

template <class L>
inline void encode_k(const float* x, const float* importance, BlockQ5K& block) noexcept {
  block = {};
  const SixBitGroups groups = fit_six_bit_groups<L>(x, importance, 31);
  block.d = groups.d;
  block.dmin = groups.dmin;
  __builtin_memcpy(block.scales, groups.packed, sizeof(block.scales));
  for (size_t i = 0; i < 256; ++i) {
    uint8_t& low = block.codes[i / 64 * 32 + i % 32];
    low = static_cast<uint8_t>(low | ((groups.codes[i] & 15) << (i / 32 % 2 * 4)));
    block.high[i % 32] = static_cast<uint8_t>(block.high[i % 32] | ((groups.codes[i] >> 4) << (i / 32)));
  }
}

template <class L>
inline void encode_k(const float* x, const float* importance, BlockQ6K& block) noexcept {
  block = {};
  float weights[256];
  float scales[kGroupsOf16];
  block_weights<L>(x, importance, 256, kLen16, weights);
  for (size_t g = 0; g < kGroupsOf16; ++g) {
    scales[g] = fit_symmetric_scale<L>(x + g * kLen16, weights + g * kLen16, kLen16, 32);
  }
  const SymmetricChoice choice = pack_symmetric_scales<L>(x, weights, scales, kGroupsOf16, kLen16, 32, 128);
  block.d = choice.d;
  __builtin_memcpy(block.scales, choice.scales, sizeof(block.scales));
  for (size_t i = 0; i < 256; ++i) {
    const auto code = static_cast<unsigned>(choice.codes[i] + 32);
    uint8_t& low = block.low[i / 128 * 64 + i % 64];
    uint8_t& high = block.high[i / 128 * 32 + i % 32];
    low = static_cast<uint8_t>(low | ((code & 15U) << (i % 128 / 64 * 4)));
    high = static_cast<uint8_t>(high | ((code >> 4U) << (i % 128 / 32 * 2)));
  }
}

}  // namespace
}  // namespace kinglet::quant
