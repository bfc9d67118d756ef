// The order of rows inside a head: rotary embedding pairs neighbours in GGUF files of some families, halves elsewhere.
//
// Halves: element i turns with element i + head_dim / 2. Adjacent: element 2 i turns with 2 i + 1. A projection whose
// rows are taken in the other order gives the same attention under the other pairing.
#pragma once

#include <cstddef>
#include <span>

namespace kinglet::format {

/// Of a row in adjacent order, its place in halves order (both within all rows of all heads). head_dim is even.
constexpr size_t halves_row(size_t adjacent_row, size_t head_dim) {
  const size_t i = adjacent_row % head_dim;
  return adjacent_row - i + i / 2 + (i % 2) * (head_dim / 2);
}

/// Copies rows of `row_bytes` each from halves to adjacent order. Both spans hold the same whole number of heads.
void rows_to_adjacent(std::span<const std::byte> halves, std::span<std::byte> adjacent, size_t head_dim,
                      size_t row_bytes);
/// The other way.
void rows_to_halves(std::span<const std::byte> adjacent, std::span<std::byte> halves, size_t head_dim,
                    size_t row_bytes);

}  // namespace kinglet::format
