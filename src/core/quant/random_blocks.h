// Blocks for tests and benchmarks, of formats that cannot be written too.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "core/base/base.h"
#include "core/quant/format.h"

namespace kinglet::quant {

/// Fills `blocks` (whole blocks) with random bytes whose values are finite and at most `peak` in magnitude: a block is
/// drawn again until it is such. Every bit pattern of codes comes up.
inline void draw_blocks(const Format& format, float peak, Philox& random, std::span<std::byte> blocks) {
  std::vector<float> values(format.block_len);
  for (size_t at = 0; at < blocks.size(); at += format.block_bytes) {
    do {
      for (size_t i = 0; i < format.block_bytes; ++i) {
        blocks[at + i] = static_cast<std::byte>(static_cast<int>(random.next_float() * 256.0F));
      }
      format.decode(blocks.data() + at, values.data(), values.size());
    } while (!std::ranges::all_of(values, [&](float x) { return std::abs(x) <= peak; }));
  }
}

}  // namespace kinglet::quant
