// Which rows of a batch belong together, and where the keys and values are that they attend to.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/kernels/kernels.h"

namespace kinglet::ops {

/// The pages that hold the keys and values of a sequence, for a group of layers: key i is in page i / kPageTokens.
/// Pages that no row sees any more may be null.
struct KvPages {
  std::byte* const* keys = nullptr;
  std::byte* const* values = nullptr;
};

/// Consecutive rows of one sequence. With pages its keys are in a cache, which the run also writes; without, the keys
/// are the rows of the batch themselves (training, scoring) and n_past is 0.
struct SequenceRows {
  size_t first_row = 0;
  size_t n_rows = 0;
  size_t n_past = 0;               ///< Keys before the first row: row first_row + i is key n_past + i.
  const KvPages* pages = nullptr;  ///< By group of layers (graph::KvLayout).
  std::byte* state = nullptr;      ///< Fixed-size states of recurrent layers, read and written; null: begin from zeros.
  size_t max_len = 0;              ///< Most positions that it will have: what rope variants are chosen by; 0: the rows.
  /// How strongly each adapter of the graph (ir::Adapter::idx) changes these rows; 0, or beyond the end: not at all.
  std::span<const float> adapters = {};

  [[nodiscard]] float adapter(size_t idx) const noexcept { return idx < adapters.size() ? adapters[idx] : 0.0F; }
  /// Positions that a rope variant is chosen for.
  [[nodiscard]] size_t length() const noexcept { return std::max(max_len, n_past + n_rows); }
};

/// One run's rows. The sequences cover all rows, in order.
struct Batch {
  std::span<const SequenceRows> sequences;
  kernels::KvType kv_type = kernels::KvType::kF32;
};

/// Keys that a row may see, as numbers of keys of its sequence: [lo, hi).
struct KeyInterval {
  size_t lo;
  size_t hi;
};

/// What a model lets a row see.
struct Visibility {
  bool causal = true;
  size_t window = 0;  ///< 0: all; else the last `window` keys, the row's own included.

  /// For the row whose own key is number `key` in a sequence that has n_keys when all rows of the run are in.
  [[nodiscard]] KeyInterval of(size_t key, size_t n_keys) const noexcept {
    if (causal) return {window == 0 || key < window ? 0 : key + 1 - window, key + 1};
    if (window == 0) return {0, n_keys};
    return {key < window ? 0 : key + 1 - window, std::min(n_keys, key + window)};
  }
};

}  // namespace kinglet::ops
