// How each quantized format takes part in a product: its codes as small integers, its scales, its minima. Internal to
// core/kernels; the scalar products and the tests read it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/quant/float16.h"
#include "core/quant/iq1_m.h"
#include "core/quant/iq1_s.h"
#include "core/quant/iq2_s.h"
#include "core/quant/iq2_xs.h"
#include "core/quant/iq2_xxs.h"
#include "core/quant/iq3_s.h"
#include "core/quant/iq3_xxs.h"
#include "core/quant/iq4_nl.h"
#include "core/quant/iq4_xs.h"
#include "core/quant/mxfp4.h"
#include "core/quant/nvfp4.h"
#include "core/quant/plain.h"
#include "core/quant/q2_k.h"
#include "core/quant/q3_k.h"
#include "core/quant/q4_0.h"
#include "core/quant/q4_1.h"
#include "core/quant/q4_k.h"
#include "core/quant/q5_0.h"
#include "core/quant/q5_1.h"
#include "core/quant/q5_k.h"
#include "core/quant/q6_k.h"
#include "core/quant/q8_0.h"
#include "core/quant/tq1_0.h"
#include "core/quant/tq2_0.h"

namespace kinglet::kernels {

/// A block of 32: value = d code + m.
struct Codes32 {
  int8_t codes[32];
  float d;
  float m;
};

/// A block of 64 in four groups of 16 with scales of their own: value = d[g] code.
struct Codes64 {
  int8_t codes[64];
  float d[4];
};

/// A super-block of 256 in 16 groups of 16: value = d scale[g] code - dmin minimum[g].
struct Codes256 {
  int8_t codes[256];
  int32_t scales[16];
  int32_t minima[16];
  float d;
  float dmin;
};

static inline void nibbles(const uint8_t* bytes, int8_t* codes, int offset) noexcept {
  for (int i = 0; i < 16; ++i) {
    codes[i] = static_cast<int8_t>((bytes[i] & 15) - offset);
    codes[i + 16] = static_cast<int8_t>((bytes[i] >> 4) - offset);
  }
}

static inline void fifth_bits(const uint8_t* high, int8_t* codes) noexcept {
  for (int i = 0; i < 32; ++i) codes[i] = static_cast<int8_t>(codes[i] + (((high[i / 8] >> (i % 8)) & 1) << 4));
}

static inline Codes32 codes_of(const quant::BlockQ4_0& block) noexcept {
  Codes32 out{{}, quant::f16_to_f32(block.d), 0.0F};
  nibbles(block.codes, out.codes, 8);
  return out;
}
static inline Codes32 codes_of(const quant::BlockQ4_1& block) noexcept {
  Codes32 out{{}, quant::f16_to_f32(block.d), quant::f16_to_f32(block.m)};
  nibbles(block.codes, out.codes, 0);
  return out;
}
static inline Codes32 codes_of(const quant::BlockQ5_0& block) noexcept {
  Codes32 out{{}, quant::f16_to_f32(block.d), 0.0F};
  nibbles(block.codes, out.codes, 16);
  fifth_bits(block.high, out.codes);
  return out;
}
static inline Codes32 codes_of(const quant::BlockQ5_1& block) noexcept {
  Codes32 out{{}, quant::f16_to_f32(block.d), quant::f16_to_f32(block.m)};
  nibbles(block.codes, out.codes, 0);
  fifth_bits(block.high, out.codes);
  return out;
}
static inline Codes32 codes_of(const quant::BlockQ8_0& block) noexcept {
  Codes32 out{{}, quant::f16_to_f32(block.d), 0.0F};
  for (int i = 0; i < 32; ++i) out.codes[i] = block.codes[i];
  return out;
}

static inline void nibbles(const uint8_t* bytes, const int8_t* values, int8_t* codes) noexcept {
  for (int i = 0; i < 16; ++i) {
    codes[i] = values[bytes[i] & 15];
    codes[i + 16] = values[bytes[i] >> 4];
  }
}

static inline Codes32 codes_of(const quant::BlockIQ4NL& block) noexcept {
  Codes32 out{{}, quant::f16_to_f32(block.d), 0.0F};
  nibbles(block.codes, quant::kValuesIQ4, out.codes);
  return out;
}
static inline Codes32 codes_of(const quant::BlockMXFP4& block) noexcept {
  Codes32 out{{}, quant::half_power(block.exponent), 0.0F};
  nibbles(block.codes, quant::kValuesE2M1, out.codes);
  return out;
}
static inline Codes64 codes_of(const quant::BlockNVFP4& block) noexcept {
  Codes64 out{};
  for (int g = 0; g < 4; ++g) {
    out.d[g] = quant::e4m3_half(block.scales[g]);
    for (int i = 0; i < 8; ++i) {
      out.codes[g * 16 + i] = quant::kValuesE2M1[block.codes[g * 8 + i] & 15];
      out.codes[g * 16 + 8 + i] = quant::kValuesE2M1[block.codes[g * 8 + i] >> 4];
    }
  }
  return out;
}

/// Super-blocks that quant unpacks to codes and scales.
template <class Block>
  requires requires(const Block& block) { unpacked(block); }
static inline Codes256 codes_of(const Block& block) noexcept {
  const quant::SuperCodes super = unpacked(block);
  Codes256 out{{}, {}, {}, super.d, 0.0F};
  for (int i = 0; i < 256; ++i) out.codes[i] = super.codes[i];
  for (int g = 0; g < 16; ++g) out.scales[g] = super.scales[g];
  return out;
}

static inline Codes256 codes_of(const quant::BlockQ2K& block) noexcept {
  Codes256 out{{}, {}, {}, quant::f16_to_f32(block.d), quant::f16_to_f32(block.dmin)};
  for (int i = 0; i < 256; ++i) {
    out.codes[i] = static_cast<int8_t>((block.codes[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2)) & 3);
  }
  for (int g = 0; g < 16; ++g) {
    out.scales[g] = block.scales[g] & 15;
    out.minima[g] = block.scales[g] >> 4;
  }
  return out;
}
static inline Codes256 codes_of(const quant::BlockQ3K& block) noexcept {
  Codes256 out{{}, {}, {}, quant::f16_to_f32(block.d), 0.0F};
  for (int i = 0; i < 256; ++i) {
    const int low = (block.codes[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2)) & 3;
    const int high = (block.high[i % 32] >> (i / 32)) & 1;
    out.codes[i] = static_cast<int8_t>((low | (high << 2)) - 4);
  }
  for (unsigned g = 0; g < 16; ++g) out.scales[g] = quant::q3k_scale(block.scales, g);
  return out;
}
static inline void six_bit_scales(const uint8_t* packed, Codes256& out) noexcept {
  for (unsigned g = 0; g < 16; ++g) {
    const quant::ScaleMin pair = quant::scale_min(packed, g / 2);
    out.scales[g] = pair.scale;
    out.minima[g] = pair.minimum;
  }
}
static inline Codes256 codes_of(const quant::BlockQ4K& block) noexcept {
  Codes256 out{{}, {}, {}, quant::f16_to_f32(block.d), quant::f16_to_f32(block.dmin)};
  six_bit_scales(block.scales, out);
  for (int i = 0; i < 256; ++i) {
    out.codes[i] = static_cast<int8_t>((block.codes[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4)) & 15);
  }
  return out;
}
static inline Codes256 codes_of(const quant::BlockQ5K& block) noexcept {
  Codes256 out{{}, {}, {}, quant::f16_to_f32(block.d), quant::f16_to_f32(block.dmin)};
  six_bit_scales(block.scales, out);
  for (int i = 0; i < 256; ++i) {
    const int low = (block.codes[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4)) & 15;
    out.codes[i] = static_cast<int8_t>(low | (((block.high[i % 32] >> (i / 32)) & 1) << 4));
  }
  return out;
}
static inline Codes256 codes_of(const quant::BlockQ6K& block) noexcept {
  Codes256 out{{}, {}, {}, quant::f16_to_f32(block.d), 0.0F};
  for (int i = 0; i < 256; ++i) {
    const int low = (block.low[i / 128 * 64 + i % 64] >> (i % 128 / 64 * 4)) & 15;
    const int high = (block.high[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2)) & 3;
    out.codes[i] = static_cast<int8_t>((low | (high << 4)) - 32);
  }
  for (int g = 0; g < 16; ++g) out.scales[g] = block.scales[g];
  return out;
}

}  // namespace kinglet::kernels
