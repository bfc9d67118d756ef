// Masks of constraints, made on a thread of their own while the model runs.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "core/base/base.h"
#include "core/base/mutex.h"
#include "run/engine/constraint.h"

namespace kinglet::engine {

/// Used by one thread, which lends constraints between begin() and wait(). The thread that works is started by the
/// first begin() with work.
class MaskWorker {
 public:
  struct Job {
    TokenConstraint* constraint = nullptr;
    std::span<const uint32_t> mask = {};
    std::optional<Error> error = std::nullopt;  ///< What it threw, instead of a mask.
  };

  MaskWorker() = default;
  ~MaskWorker();
  MaskWorker(const MaskWorker&) = delete;
  MaskWorker& operator=(const MaskWorker&) = delete;

  /// Starts on all of these, which stay where they are until wait() has returned. Throws std::system_error where there
  /// can be no thread.
  void begin(std::span<Job> jobs);
  /// Returns when all are done.
  void wait() noexcept;

 private:
  void loop() noexcept;

  Mutex mutex_;
  Condition wake_;
  Condition done_;
  std::span<Job> jobs_ GUARDED_BY(mutex_);  // none: nothing to do
  bool ending_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace kinglet::engine
