#include "model/format/rope_rows.h"

#include <cstring>

#include "core/base/check.h"

namespace kinglet::format {
namespace {

void check_sizes(size_t a, size_t b, size_t head_dim, size_t row_bytes) {
  KINGLET_CHECK(a == b && head_dim > 0 && head_dim % 2 == 0 && row_bytes > 0 && a % (head_dim * row_bytes) == 0,
                "rows are whole heads of an even size");
}

}  // namespace

void rows_to_adjacent(std::span<const std::byte> halves, std::span<std::byte> adjacent, size_t head_dim,
                      size_t row_bytes) {
  check_sizes(halves.size(), adjacent.size(), head_dim, row_bytes);
  for (size_t row = 0; row < halves.size() / row_bytes; ++row) {
    std::memcpy(&adjacent[row * row_bytes], &halves[halves_row(row, head_dim) * row_bytes], row_bytes);
  }
}

void rows_to_halves(std::span<const std::byte> adjacent, std::span<std::byte> halves, size_t head_dim,
                    size_t row_bytes) {
  check_sizes(halves.size(), adjacent.size(), head_dim, row_bytes);
  for (size_t row = 0; row < halves.size() / row_bytes; ++row) {
    std::memcpy(&halves[halves_row(row, head_dim) * row_bytes], &adjacent[row * row_bytes], row_bytes);
  }
}

}  // namespace kinglet::format
