// Against machines that are made up: what a step costs without prompts, and for each row of them.
#include "run/engine/step_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "core/base/philox.h"

namespace kinglet::engine {
namespace {

struct Steps {
  std::vector<double> gaps_ms;  // of steps with prompt rows
  size_t n_rows = 0;
};

/// 300 steps, of which all but every tenth have as many prompt rows as they may, of at most 512.
Steps run(StepBudget& budget, const std::function<double(size_t)>& ms_of) {
  Steps result;
  for (int i = 0; i < 300; ++i) {
    const size_t n = i % 10 == 0 ? 0 : std::min<size_t>(512, budget.prompt_rows());
    const double ms = ms_of(n);
    budget.record(n, ms);
    if (n == 0) continue;
    result.gaps_ms.push_back(ms);
    result.n_rows += n;
  }
  return result;
}

double at(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

TEST(StepBudget, KeepsStepsWithinTheirTimeAndUsesIt) {
  for (const double row_ms : {0.05, 0.4, 3.0}) {
    StepBudget budget(50);
    const Steps result = run(budget, [&](size_t n) { return 6 + row_ms * static_cast<double>(n); });
    EXPECT_LE(at(result.gaps_ms, 1), 50) << row_ms;
    EXPECT_GE(at(result.gaps_ms, 0.5), std::min(30.0, 6 + row_ms * 512)) << row_ms;
  }
}

TEST(StepBudget, WhereStepsAreLongTheyMayBecomeTwiceAsLong) {
  StepBudget budget(50);
  const Steps result = run(budget, [](size_t n) { return 120 + 9 * static_cast<double>(n); });
  EXPECT_LE(at(result.gaps_ms, 1), 240);
  EXPECT_GE(at(result.gaps_ms, 0.5), 170);
  EXPECT_DOUBLE_EQ(budget.limit_ms(), 240);
}

TEST(StepBudget, AllowsForNoise) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    StepBudget budget(50);
    Philox random(seed);
    const Steps result = run(budget, [&](size_t n) {
      return (8 + 0.5 * static_cast<double>(n)) * (0.95 + 0.2 * static_cast<double>(random.next_float()));
    });
    EXPECT_LE(at(result.gaps_ms, 0.99), 50) << seed;
    EXPECT_GE(at(result.gaps_ms, 0.5), 25) << seed;
  }
}

// The first rows cost next to nothing, as the weights are read anyway; keys become more with each step.
TEST(StepBudget, FollowsCostsThatAreNoLine) {
  StepBudget budget(50);
  double keys = 0;
  const Steps result = run(budget, [&](size_t n) {
    const double ms = 10 + (n > 8 ? 0.6 : 0.1) * static_cast<double>(n) * (1 + keys / 40000);
    keys += static_cast<double>(n);
    return ms;
  });
  EXPECT_LE(at(result.gaps_ms, 0.99), 50);
  EXPECT_GE(at(result.gaps_ms, 0.5), 30);
}

TEST(StepBudget, AlwaysGoesOn) {
  StepBudget budget(1);
  const Steps result = run(budget, [](size_t n) { return n == 0 ? 10 : 5000; });
  EXPECT_GE(result.n_rows, result.gaps_ms.size());
}

}  // namespace
}  // namespace kinglet::engine
