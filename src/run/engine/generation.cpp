#include "run/engine/generation.h"

namespace kinglet::engine {

Event Generation::next() {
  MutexLock lock(mutex_);
  while (events_.empty()) arrived_.wait(mutex_);
  const Event event = events_.front();
  events_.pop_front();
  return event;
}

std::optional<Event> Generation::next_within(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  MutexLock lock(mutex_);
  while (events_.empty()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= end) return std::nullopt;
    arrived_.wait_for(mutex_, end - now);
  }
  const Event event = events_.front();
  events_.pop_front();
  return event;
}

void Generation::emit(const Event& event) {
  MutexLock lock(mutex_);
  events_.push_back(event);
  arrived_.notify_one();
}

}  // namespace kinglet::engine
