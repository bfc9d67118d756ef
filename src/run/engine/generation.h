// A request to the engine and the typed events that come back.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/mutex.h"
#include "run/engine/constraint.h"
#include "run/engine/log_probs.h"
#include "run/engine/sampling.h"

namespace kinglet::engine {

struct Request {
  std::vector<int32_t> prompt;       ///< Token ids, at least one, fewer than the context holds.
  size_t max_tokens = SIZE_MAX;      ///< Stop with kLength after so many.
  std::vector<int32_t> stop_tokens;  ///< Each ends the answer with kStop and is not itself part of it.
  SamplingParams sampling;
  /// How strongly each adapter of the model works; empty: as the model was loaded.
  std::vector<float> adapters = {};
  /// What may follow; none: anything. Of this request alone, and the engine's until its end.
  std::shared_ptr<TokenConstraint> constraint = nullptr;
  /// Events say the log-probability of their token and those of so many tokens that were most likely, at most
  /// kMostLogProbs. Tokens that are forced come when the model has run over them, then.
  std::optional<size_t> log_probs = std::nullopt;
  /// The prompt's tokens are events too, in front of the answer's. They are computed anew, whatever is known of them.
  bool prompt_log_probs = false;
  /// Whose it is: places and rows of prompts are shared among clients (fair_queue.h).
  std::string client = {};
  /// Ends with kDeadline within a step of this time, waiting or not.
  std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt;

  static constexpr size_t kMostLogProbs = 20;
};

enum class FinishReason : uint8_t {
  kStop,       ///< A stop token came.
  kLength,     ///< max_tokens are there.
  kContext,    ///< The context is full.
  kCancelled,  ///< The caller no longer wants it.
  kBarred,     ///< Nothing can follow: the constraint allows no token, or all that it allows are banned by bias.
  kDeadline,   ///< Its time is over.
};
inline constexpr size_t kFinishReasons = 6;

/// What an answer cost. Times in milliseconds.
struct Usage {
  size_t prompt_tokens = 0;
  size_t cached_tokens = 0;  ///< Of the prompt, found in the prefix cache.
  size_t completion_tokens = 0;
  double queue_ms = 0;   ///< From submit until the first step.
  double prompt_ms = 0;  ///< From the first step until the logits of the last prompt token.
  double decode_ms = 0;  ///< From then to the end.
};

/// One token, or the end.
struct Event {
  int32_t token = -1;                                 ///< Valid while there is no finish.
  bool is_prompt = false;                             ///< Of Request::prompt_log_probs.
  std::optional<float> log_prob = std::nullopt;       ///< Where asked for; the first token of a prompt has none.
  std::vector<TokenLogProb> top = {};                 ///< What was most likely there, most likely first.
  std::optional<FinishReason> finish = std::nullopt;  ///< Set in the last event.
  Usage usage = {};                                   ///< Of the last event.
};

/// One request on its way. The engine writes events, one reader takes them. Thread-safe.
class Generation {
 public:
  explicit Generation(Request request) : request_(std::move(request)), submitted_(std::chrono::steady_clock::now()) {}

  /// The next event; waits for it. Nothing comes after the finish: asked again, it says the same. Throws the Error that
  /// the engine could not go on after, such as kOutOfMemory, behind the tokens that came before.
  Event next();
  /// The same, waiting no longer than this: nullopt when nothing came, so that a reader can look up in between.
  std::optional<Event> next_within(std::chrono::milliseconds limit);
  /// Asks the engine to end it within one step; the finish event still comes.
  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }

  [[nodiscard]] const Request& request() const noexcept { return request_; }

 private:
  friend class Engine;
  // By the engine: room for so many tokens of the answer, and for the prompt's where they are events, so that add_token
  // allocates nothing.
  void reserve(size_t n_tokens);
  void add_token(int32_t token);
  // With its logits, where they are asked for.
  void add_token(int32_t token, std::span<const float> logits);
  void add_prompt_start();
  void finish(FinishReason reason, const Usage& usage) noexcept;
  void fail(Error error) noexcept;
  bool has_event() const REQUIRES(mutex_) {
    return n_taken_ < tokens_.size() || finish_.has_value() || error_.has_value();
  }
  Event take_event() REQUIRES(mutex_);
  // Why nobody wants more of it, if so.
  [[nodiscard]] std::optional<FinishReason> unwanted(std::chrono::steady_clock::time_point now) const noexcept {
    if (cancelled_.load(std::memory_order_relaxed)) return FinishReason::kCancelled;
    if (request_.deadline && now >= *request_.deadline) return FinishReason::kDeadline;
    return std::nullopt;
  }

  const Request request_;
  const std::chrono::steady_clock::time_point submitted_;
  std::atomic<bool> cancelled_{false};
  Mutex mutex_;
  Condition arrived_;
  std::vector<int32_t> tokens_ GUARDED_BY(mutex_);
  std::vector<float> log_probs_ GUARDED_BY(mutex_);    // of each token, where asked for
  std::vector<TokenLogProb> tops_ GUARDED_BY(mutex_);  // as many of each token as asked for
  size_t n_taken_ GUARDED_BY(mutex_) = 0;              // of tokens_, by the reader
  std::optional<Event> finish_ GUARDED_BY(mutex_);
  // Instead of a finish. Each reader gets a copy: an exception that two threads share is freed by whoever lets go last.
  std::optional<Error> error_ GUARDED_BY(mutex_);
};

}  // namespace kinglet::engine
