#include "model/text/sorting.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/philox.h"

namespace kinglet::text {
namespace {

TEST(MergeSort, IsStable) {
  Philox random(1);
  for (size_t n = 0; n < 200; ++n) {
    std::vector<std::pair<uint32_t, size_t>> values;
    for (size_t i = 0; i < n; ++i) values.emplace_back(random.next_u32() % 10, i);
    auto want = values;
    std::ranges::sort(want);  // places decide between equal ones
    merge_sort(values, [](const auto& a, const auto& b) { return a.first < b.first; });
    EXPECT_EQ(values, want);
  }
}

TEST(MergeSort, TakesAnyComparison) {
  Philox random(2);
  std::vector<double> values(1000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = i % 3 == 0 ? std::nan("") : random.next_double();
  merge_sort(values, [](double a, double b) { return a < b; });
  EXPECT_EQ(std::ranges::count_if(values, [](double value) { return std::isnan(value); }), 334);
  merge_sort(values, [&](double, double) { return random.next_u32() % 2 == 0; });
  merge_sort(values, [](double, double) { return true; });
  EXPECT_EQ(values.size(), 1000U);
}

}  // namespace
}  // namespace kinglet::text
