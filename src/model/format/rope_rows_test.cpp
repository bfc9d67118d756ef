#include "model/format/rope_rows.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace kinglet::format {
namespace {

TEST(RopeRows, HalvesBecomeNeighbours) {
  // Two heads of six rows: of each, rows 0, 3 then 1, 4 then 2, 5, as reshape(heads, 2, 3).swapaxes(1, 2) gives.
  const std::vector<size_t> want{0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11};
  for (size_t row = 0; row < want.size(); ++row) EXPECT_EQ(halves_row(row, 6), want[row]);
}

TEST(RopeRows, ThereAndBack) {
  std::vector<uint16_t> rows(3 * 8 * 5);
  std::iota(rows.begin(), rows.end(), uint16_t{0});
  std::vector<uint16_t> adjacent(rows.size());
  std::vector<uint16_t> back(rows.size());
  rows_to_adjacent(std::as_bytes(std::span(rows)), std::as_writable_bytes(std::span(adjacent)), 8, 10);
  EXPECT_EQ(adjacent[5], 4 * 5);  // row 1 of the first head was row 4
  rows_to_halves(std::as_bytes(std::span(adjacent)), std::as_writable_bytes(std::span(back)), 8, 10);
  EXPECT_EQ(back, rows);
}

}  // namespace
}  // namespace kinglet::format
