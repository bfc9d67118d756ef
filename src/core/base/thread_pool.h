// The pool as the core sees it: an interface. `home/system` has the one with threads; InlinePool runs alone.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <type_traits>

namespace kinglet {

/// Lends its threads for one piece of work at a time. `run` is called by one thread at a time.
class ThreadPool {
 public:
  using Task = void (*)(void* context, int thread_idx);

  virtual ~ThreadPool() = default;
  ThreadPool() = default;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] virtual int n_threads() const noexcept = 0;

  /// Calls task(context, i) once for each i < n_threads(), the caller being thread 0; returns when all are done.
  /// The task must not throw.
  virtual void run(Task task, void* context) noexcept = 0;

  /// Inside a task: waits until all threads have come here. Allocates nothing.
  virtual void barrier() noexcept = 0;

  /// Runs a callable `void(int thread_idx)` on each thread.
  template <class F>
  void run_all(F&& work) noexcept {
    run([](void* context, int thread_idx) { (*static_cast<std::remove_reference_t<F>*>(context))(thread_idx); },
        std::addressof(work));
  }
};

/// One thread: the caller. Needs no operating system.
class InlinePool final : public ThreadPool {
 public:
  [[nodiscard]] int n_threads() const noexcept override { return 1; }
  void run(Task task, void* context) noexcept override { task(context, 0); }
  void barrier() noexcept override {}
};

/// Hands out [0, n) in pieces to whoever asks, so that a busy core does not hold the rest.
class ChunkCounter {
 public:
  void reset() noexcept { next_.store(0, std::memory_order_relaxed); }
  /// The first of `step` items; at or past the end when none are left.
  size_t take(size_t step) noexcept { return next_.fetch_add(step, std::memory_order_relaxed); }

 private:
  alignas(64) std::atomic<size_t> next_{0};
};

}  // namespace kinglet
