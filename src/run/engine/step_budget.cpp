#include "run/engine/step_budget.h"

#include <algorithm>

namespace kinglet::engine {
namespace {

// What one step took is noise in part: what is aimed at leaves room for it.
constexpr double kAim = 0.8;
// The first try, which costs little more than one row: products read a block of weights once for up to 8 of them.
constexpr size_t kFirstRows = 8;
// A larger step is dearer than thought more often than it is cheaper, so costs rise quickly and fall slowly.
constexpr double kRise = 0.5;
constexpr double kFall = 0.1;

double moved(double known, double seen) noexcept {
  if (known <= 0) return seen;
  return known + (seen - known) * (seen > known ? kRise : kFall);
}

}  // namespace

double StepBudget::limit_ms() const noexcept { return std::max(step_ms_, 2 * plain_ms_); }

size_t StepBudget::prompt_rows() const noexcept {
  if (last_rows_ == 0 || row_ms_ <= 0) return kFirstRows;
  const double rows = (kAim * limit_ms() - plain_ms_) / row_ms_;
  // Never far beyond what has been seen.
  const auto most = static_cast<double>(2 * std::max(last_rows_, kFirstRows));
  return static_cast<size_t>(std::clamp(rows, 1.0, most));
}

void StepBudget::record(size_t n_prompt_rows, double ms) noexcept {
  if (n_prompt_rows == 0) {
    // Here a slow one is the noise.
    plain_ms_ = plain_ms_ <= 0 ? ms : plain_ms_ + (ms - plain_ms_) * kFall;
    return;
  }
  last_rows_ = n_prompt_rows;
  constexpr double kLeast = 1e-6;
  row_ms_ = moved(row_ms_, std::max(ms - plain_ms_, kLeast) / static_cast<double>(n_prompt_rows));
}

}  // namespace kinglet::engine
