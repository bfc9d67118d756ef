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
  /// Takes a share of what is left of n items for one of n_threads: large at first, so that a thread reads memory in
  /// long runs, then ever smaller. Returns [begin, end), empty when none are left.
  struct Items {
    size_t begin;
    size_t end;
  };
  Items take(size_t n, size_t n_threads) noexcept {
    size_t begin = next_.load(std::memory_order_relaxed);
    for (;;) {
      if (begin >= n) return {n, n};
      const size_t left = n - begin;
      const size_t share = n_threads == 1 ? left : left * 3 / (4 * n_threads);
      const size_t end = begin + (share == 0 ? 1 : share);
      if (next_.compare_exchange_weak(begin, end, std::memory_order_relaxed)) return {begin, end};
    }
  }

 private:
  alignas(64) std::atomic<size_t> next_{0};
};

}  // namespace kinglet
