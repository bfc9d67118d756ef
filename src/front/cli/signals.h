// Signals that tell a long-running command what to do, taken by one thread that waits for them.
#pragma once

#include <csignal>

namespace kinglet::cli {

/// While one lives, SIGINT, SIGTERM and SIGHUP end nothing: wait() gives them. To be made before other threads are, as
/// those inherit that they are blocked.
class SignalWait {
 public:
  SignalWait();
  ~SignalWait();
  SignalWait(const SignalWait&) = delete;
  SignalWait& operator=(const SignalWait&) = delete;

  /// Blocks until one of the three comes, and gives it.
  [[nodiscard]] int wait() const;

 private:
  sigset_t set_;
  sigset_t before_;
};

}  // namespace kinglet::cli
