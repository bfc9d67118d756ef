#include "run/engine/generation.h"

#include <array>
#include <span>

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
  if (n_taken_ == tokens_.size()) {
    if (error_) throw Error(*error_);
    return *finish_;
  }
  const size_t i = n_taken_++;
  Event event{.token = tokens_[i], .is_prompt = request_.prompt_log_probs && i < request_.prompt.size()};
  if (!request_.log_probs || (event.is_prompt && i == 0)) return event;
  const size_t n_top = *request_.log_probs;
  const auto top = std::span(tops_).subspan(i * n_top, n_top);
  event.log_prob = log_probs_[i];
  event.top.assign(top.begin(), top.end());
  return event;
}

void Generation::reserve(size_t n_tokens) {
  MutexLock lock(mutex_);
  if (request_.prompt_log_probs) n_tokens += request_.prompt.size();
  tokens_.reserve(n_tokens);
  if (!request_.log_probs) return;
  log_probs_.reserve(n_tokens);
  tops_.reserve(n_tokens * *request_.log_probs);
}

void Generation::add_token(int32_t token) {
  MutexLock lock(mutex_);
  tokens_.push_back(token);
  arrived_.notify_one();
}

void Generation::add_token(int32_t token, std::span<const float> logits) {
  if (!request_.log_probs) return add_token(token);
  // Outside of the lock, as the reader need not wait for it.
  std::array<TokenLogProb, Request::kMostLogProbs> top;
  const auto wanted = std::span(top).first(*request_.log_probs);
  const float log_prob = log_probs(logits, token, wanted);
  MutexLock lock(mutex_);
  tokens_.push_back(token);
  log_probs_.push_back(log_prob);
  tops_.insert(tops_.end(), wanted.begin(), wanted.end());
  arrived_.notify_one();
}

// Nothing stands in front of the first token that it could be likely after.
void Generation::add_prompt_start() {
  MutexLock lock(mutex_);
  tokens_.push_back(request_.prompt.front());
  log_probs_.push_back(0);
  tops_.resize(*request_.log_probs);
  arrived_.notify_one();
}

void Generation::finish(FinishReason reason, const Usage& usage) noexcept {
  MutexLock lock(mutex_);
  finish_ = Event{.finish = reason, .usage = usage};
  arrived_.notify_one();
}

void Generation::fail(Error error) noexcept {
  MutexLock lock(mutex_);
  error_ = std::move(error);
  arrived_.notify_one();
}

}  // namespace kinglet::engine
