#include "run/engine/generation.h"

namespace kinglet::engine {

Event Generation::next() {
  MutexLock lock(mutex_);
  while (!has_event()) arrived_.wait(mutex_);
  return take_event();
}

std::optional<Event> Generation::next_within(std::chrono::milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  MutexLock lock(mutex_);
  while (!has_event()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= end) return std::nullopt;
    arrived_.wait_for(mutex_, end - now);
  }
  return take_event();
}

Event Generation::take_event() {
  if (n_taken_ < tokens_.size()) return {tokens_[n_taken_++], std::nullopt, {}};
  if (error_) throw Error(*error_);
  return *finish_;
}

void Generation::reserve(size_t n_tokens) {
  MutexLock lock(mutex_);
  tokens_.reserve(n_tokens);
}

void Generation::add_token(int32_t token) {
  MutexLock lock(mutex_);
  tokens_.push_back(token);
  arrived_.notify_one();
}

void Generation::finish(FinishReason reason, const Usage& usage) noexcept {
  MutexLock lock(mutex_);
  finish_ = {-1, reason, usage};
  arrived_.notify_one();
}

void Generation::fail(Error error) noexcept {
  MutexLock lock(mutex_);
  error_ = std::move(error);
  arrived_.notify_one();
}

}  // namespace kinglet::engine
