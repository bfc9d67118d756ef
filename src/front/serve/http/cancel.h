// Says a worker that its answer is no longer wanted.
#pragma once

#include <chrono>
#include <memory>

#include "core/base/mutex.h"

namespace kinglet::serve::http {

enum class CancelReason {
  kNone,
  kClientGone,  ///< Nobody will read the rest.
  kStopping,    ///< The server stops; what is there already is still sent.
};

/// Asked by the one who works. Copies are about the same answer and may outlive it. Any thread.
class Cancel {
 public:
  [[nodiscard]] bool requested() const { return reason() != CancelReason::kNone; }
  [[nodiscard]] CancelReason reason() const;
  /// Sleeps until it is requested, at most for this time; then whether it is.
  [[nodiscard]] bool wait_for(std::chrono::milliseconds limit) const;

 private:
  friend class CancelSource;
  struct State {
    Mutex mutex;
    Condition changed;
    CancelReason reason GUARDED_BY(mutex) = CancelReason::kNone;
  };
  explicit Cancel(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

/// The other end: requests. That the client has gone overrides that the server stops; nothing takes a request back.
class CancelSource {
 public:
  CancelSource() : state_(std::make_shared<Cancel::State>()) {}
  [[nodiscard]] Cancel token() const { return Cancel(state_); }
  void request(CancelReason reason) const;

 private:
  std::shared_ptr<Cancel::State> state_;
};

}  // namespace kinglet::serve::http
