// Products of quantized weights, written once for panels of weight rows.
//
// A panel is as many weight rows as an integer vector has lanes of 32 bits. Its blocks are unpacked so that a lane
// holds four neighbouring codes of its row; one instruction then multiplies the four by the same four activation codes,
// the same for all lanes, and adds. So the integer sum of a block needs no sum across lanes, the scales of the rows are
// a vector, and a vector of results lies as y wants it. Scalar walks rows one by one; the sums are the same.
//
// `few` unpacks a block into registers and lets it meet up to kFewRows activation rows; `many` unpacks kTilePanels
// panels into scratch (a few dozen KB: the nearest caches), and all activation rows meet them there, a register tile at
// a time.
//
// L, the vocabulary of an instruction set (avx2/lanes.h, avx512vnni/lanes.h): Int and Float with kRows lanes.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/kernels/product.h"
#include "core/quant/encoded.h"

namespace kinglet::kernels {
namespace {

/// Consecutive bytes of weight rows that a panel reads: row r at first + r * stride.
struct PanelRows {
  const std::byte* first;
  size_t stride;
};

/// The parts of encoded activation rows.
struct EncodedRows {
  const std::byte* first;
  size_t stride;
  quant::EncodedLayout layout;

  const int8_t* codes(size_t t) const noexcept { return reinterpret_cast<const int8_t*>(first + t * stride); }
  const float* scales(size_t t) const noexcept {
    return reinterpret_cast<const float*>(first + t * stride + layout.scale_offset);
  }
  template <class T>
  const T* sums(size_t t) const noexcept {
    return reinterpret_cast<const T*>(first + t * stride + layout.sum_offset);
  }
  const float* scaled_sums(size_t t) const noexcept {
    return reinterpret_cast<const float*>(first + t * stride + layout.scaled_sum_offset);
  }
};

/// Asks for the bytes of the next panel while this one is worked on: step i of n_steps asks for its share.
inline void fetch_ahead(const std::byte* next, size_t bytes, size_t i, size_t n_steps) noexcept {
  const size_t share = (bytes + n_steps - 1) / n_steps;
  for (size_t at = i * share; at < (i + 1) * share; at += 64) __builtin_prefetch(next + at);
}

/// Writes a vector of results for each activation row: y[t * y_stride + r], r < n_rows.
template <class L, size_t kT, size_t kW>
void store_tile(const typename L::Float (&acc)[kT][kW], float* y, size_t y_stride, size_t n_rows) noexcept {
  for (size_t t = 0; t < kT; ++t) {
    for (size_t w = 0; w < kW; ++w) {
      const size_t first = w * L::kRows;
      if (first + L::kRows <= n_rows) {
        L::store(acc[t][w], y + t * y_stride + first);
      } else if (first < n_rows) {
        L::store_n(acc[t][w], y + t * y_stride + first, n_rows - first);
      }
    }
  }
}

/// Calls tile.template run<kT>(t) for tiles of kT activation rows, and with fewer rows for the rest.
template <size_t kT, class Tile>
void for_rest(const Tile& tile, size_t t, size_t n) noexcept {
  if constexpr (kT > 0) {
    if (n == kT) return tile.template run<kT>(t);
    return for_rest<kT - 1>(tile, t, n);
  }
}
template <size_t kT, class Tile>
void for_tiles(const Tile& tile, size_t n_tokens) noexcept {
  size_t t = 0;
  for (; t + kT <= n_tokens; t += kT) tile.template run<kT>(t);
  for_rest<kT - 1>(tile, t, n_tokens - t);
}

/// `few` and `many` over the panels of a weight. Family says how a panel is unpacked and meets a tile:
///   Family::Block: an unpacked block; unpack(rows, b, block); tile<kT, kW>(source, x, t, n_blocks, acc)
template <class Family>
struct PanelProduct {
  using L = typename Family::L;
  using Block = typename Family::Block;
  static constexpr size_t kWide = L::kTilePanels;

  static size_t blocks_bytes(size_t n_blocks) noexcept { return kWide * n_blocks * sizeof(Block); }
  /// Blocks, and room for the rows of a short panel.
  static size_t scratch_bytes(size_t cols) noexcept {
    const size_t n_blocks = cols / Family::kLen;
    const size_t rows = L::kRows * n_blocks * sizeof(typename Family::QuantBlock);
    return blocks_bytes(n_blocks) + (rows + 63) / 64 * 64;
  }

  // Blocks of one panel, unpacked when they are asked for.
  struct Fresh {
    PanelRows rows;
    const std::byte* next;
    size_t n_blocks;
    size_t next_bytes;
    [[gnu::always_inline]] const Block& at(size_t, size_t b, Block& room) const noexcept {
      if (next != nullptr) fetch_ahead(next, next_bytes, b, n_blocks);
      Family::unpack(rows, b, room);
      return room;
    }
  };
  // Blocks unpacked before: [panel][block].
  struct Unpacked {
    const Block* blocks;
    size_t n_blocks;
    const Block& at(size_t w, size_t b, Block&) const noexcept { return blocks[w * n_blocks + b]; }
  };

  template <class Source, size_t kW>
  struct Tile {
    const Source& source;
    const EncodedRows& x;
    float* y;
    size_t y_stride;
    size_t n_rows;
    size_t n_blocks;
    template <size_t kT>
    void run(size_t t) const noexcept {
      typename L::Float acc[kT][kW];
      Family::template tile<kT, kW>(source, x, t, n_blocks, acc);
      store_tile<L, kT, kW>(acc, y + t * y_stride, y_stride, n_rows);
    }
  };

  // The rows of a panel that begins at row r; the last one may be short: its missing rows repeat the last row, in
  // `room`.
  static PanelRows panel_rows(const WeightRows& w, size_t r, std::byte* room) noexcept {
    if (r + L::kRows <= w.n_rows) return {w.data + r * w.row_bytes, w.row_bytes};
    for (size_t i = 0; i < L::kRows; ++i) {
      const size_t row = r + i < w.n_rows ? r + i : w.n_rows - 1;
      memcpy(room + i * w.row_bytes, w.data + row * w.row_bytes, w.row_bytes);
    }
    return {room, w.row_bytes};
  }
  static EncodedRows encoded_rows(const WeightRows& w, const ActivationRows& x) noexcept {
    return {x.data, x.row_bytes, quant::encoded_layout(Family::kActivation, w.cols)};
  }

  static void few(const WeightRows& w, const ActivationRows& x, float* y, size_t y_stride,
                  std::byte* scratch) noexcept {
    const size_t n_blocks = w.cols / Family::kLen;
    const EncodedRows rows = encoded_rows(w, x);
    std::byte* room = scratch + blocks_bytes(n_blocks);
    for (size_t r = 0; r < w.n_rows; r += L::kRows) {
      const PanelRows panel = panel_rows(w, r, room);
      const bool has_next = r + 2 * L::kRows <= w.n_rows;
      const Fresh source{panel, has_next ? panel.first + L::kRows * w.row_bytes : nullptr, n_blocks,
                         L::kRows * w.row_bytes};
      for_tiles<kFewRows>(Tile<Fresh, 1>{source, rows, y + r, y_stride, w.n_rows - r, n_blocks}, x.n_rows);
    }
  }

  static void many(const WeightRows& w, const ActivationRows& x, float* y, size_t y_stride,
                   std::byte* scratch) noexcept {
    const size_t n_blocks = w.cols / Family::kLen;
    const EncodedRows rows = encoded_rows(w, x);
    auto* blocks = reinterpret_cast<Block*>(scratch);
    std::byte* room = scratch + blocks_bytes(n_blocks);
    for (size_t r = 0; r < w.n_rows; r += kWide * L::kRows) {
      size_t n_panels = 0;
      for (; n_panels < kWide && r + n_panels * L::kRows < w.n_rows; ++n_panels) {
        Block* out = blocks + n_panels * n_blocks;
        const PanelRows panel = panel_rows(w, r + n_panels * L::kRows, room);
        for (size_t b = 0; b < n_blocks; ++b) Family::unpack(panel, b, out[b]);
      }
      const Unpacked source{blocks, n_blocks};
      if (n_panels == kWide) {
        for_tiles<L::kTileTokens>(Tile<Unpacked, kWide>{source, rows, y + r, y_stride, w.n_rows - r, n_blocks},
                                  x.n_rows);
      } else {
        for (size_t p = 0; p < n_panels; ++p) {
          const size_t at = r + p * L::kRows;
          const Unpacked one{blocks + p * n_blocks, n_blocks};
          for_tiles<L::kTileTokens>(Tile<Unpacked, 1>{one, rows, y + at, y_stride, w.n_rows - at, n_blocks}, x.n_rows);
        }
      }
    }
  }
};

}  // namespace
}  // namespace kinglet::kernels
