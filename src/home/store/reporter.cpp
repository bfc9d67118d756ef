#include "home/store/reporter.h"

#include <utility>

#include "core/base/base.h"

namespace kinglet::store {
namespace {

constexpr auto kTellEvery = std::chrono::milliseconds(50);

}  // namespace

void Reporter::tell() {
  told_ = std::chrono::steady_clock::now();
  if (callback_ && !callback_(progress_)) stopped_ = true;
}

void Reporter::begin(Step step, std::string item, uint64_t total_bytes) {
  progress_ = {step, std::move(item), 0, total_bytes};
  tell();
  if (stopped_) fail(ErrorCode::kCancelled, "stopped; what has arrived is kept");
}

void Reporter::advance_to(uint64_t done_bytes) {
  progress_.done_bytes = done_bytes;
  const bool is_last = done_bytes == progress_.total_bytes;
  if (is_last || std::chrono::steady_clock::now() - told_ >= kTellEvery) tell();
  if (stopped_) fail(ErrorCode::kCancelled, "stopped; what has arrived is kept");
}

bool Reporter::keep_going() {
  if (!stopped_ && std::chrono::steady_clock::now() - told_ >= kTellEvery) tell();
  return !stopped_;
}

}  // namespace kinglet::store
