#include "run/engine/generation.h"

namespace kinglet::engine {

Event Generation::next() {
  MutexLock lock(mutex_);
  while (events_.empty()) arrived_.wait(mutex_);
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
