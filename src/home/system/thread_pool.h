// The process's threads for computing.
#pragma once

#include <memory>

#include "core/base/base.h"

namespace kinglet::system {

/// Threads that wait for work: they spin for some tens of microseconds, since the next step of a model comes soon, then
/// sleep. Where more threads run than the process has CPUs they sleep at once, as spinning would take time from those
/// that have work. Pins nothing. Several threads may call run(): each waits, asleep, until those who came before it are
/// through, so that engines share the pool step by step and no more threads compute than it has.
class SpinPool final : public ThreadPool {
 public:
  /// n_threads >= 1, the caller of run() included.
  explicit SpinPool(int n_threads);
  ~SpinPool() override;

  [[nodiscard]] int n_threads() const noexcept override;
  void run(Task task, void* context) noexcept override;
  void wait_until(const std::atomic<uint32_t>& word, uint32_t value) noexcept override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// CPUs worth computing on: physical cores that this process may use, within a cgroup's CPU quota; at least 1.
int usable_cores();

}  // namespace kinglet::system
