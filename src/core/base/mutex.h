// A mutex whose use clang checks (-Wthread-safety): fields say which mutex guards them.
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define KINGLET_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define KINGLET_THREAD_ATTRIBUTE(x)
#endif
#define GUARDED_BY(mutex) KINGLET_THREAD_ATTRIBUTE(guarded_by(mutex))
#define REQUIRES(mutex) KINGLET_THREAD_ATTRIBUTE(requires_capability(mutex))

namespace kinglet {

class KINGLET_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() KINGLET_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  [[nodiscard]] bool try_lock() KINGLET_THREAD_ATTRIBUTE(try_acquire_capability(true)) { return mutex_.try_lock(); }
  void unlock() KINGLET_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

/// Holds a mutex for a scope.
class KINGLET_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) KINGLET_THREAD_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() KINGLET_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// Wakes threads that wait with a Mutex held. Waits may end early: check the condition in a loop.
class Condition {
 public:
  void wait(Mutex& mutex) KINGLET_THREAD_ATTRIBUTE(requires_capability(mutex)) { condition_.wait(mutex); }
  /// False when the time is over.
  template <class Duration>
  bool wait_for(Mutex& mutex, Duration time) KINGLET_THREAD_ATTRIBUTE(requires_capability(mutex)) {
    return condition_.wait_for(mutex, time) == std::cv_status::no_timeout;
  }
  void notify_one() noexcept { condition_.notify_one(); }
  void notify_all() noexcept { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

}  // namespace kinglet
