#include "front/serve/http/cancel.h"

namespace kinglet::serve::http {

CancelReason Cancel::reason() const {
  const MutexLock lock(state_->mutex);
  return state_->reason;
}

bool Cancel::wait_for(std::chrono::milliseconds limit) const {
  const auto end = std::chrono::steady_clock::now() + limit;
  const MutexLock lock(state_->mutex);
  while (state_->reason == CancelReason::kNone) {
    const auto left = end - std::chrono::steady_clock::now();
    if (left <= std::chrono::steady_clock::duration::zero()) return false;
    state_->changed.wait_for(state_->mutex, left);
  }
  return true;
}

void CancelSource::request(CancelReason reason) const {
  const MutexLock lock(state_->mutex);
  if (state_->reason == CancelReason::kClientGone) return;
  state_->reason = reason;
  state_->changed.notify_all();
}

}  // namespace kinglet::serve::http
