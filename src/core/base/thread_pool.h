// The pool as the core sees it: an interface. `home/system` has the one with threads; InlinePool runs alone.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace kinglet {

/// Lends its threads for one piece of work at a time. Who calls `run` waits its turn, or has threads of its own.
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

  /// Inside a task: returns when `word` has reached `value`. Whoever brings it there calls word.notify_all().
  /// Allocates nothing.
  virtual void wait_until(const std::atomic<uint32_t>& word, uint32_t value) noexcept = 0;

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
  void wait_until(const std::atomic<uint32_t>& /*word*/, uint32_t /*value*/) noexcept override {}
};

/// The items of one step that threads share. Who finds none left waits for those that others have taken, not for the
/// threads: one that sleeps, or has not come yet, holds nobody.
class SharedItems {
 public:
  struct Range {
    uint32_t begin;
    uint32_t end;
  };

  /// Before any thread takes.
  void reset(uint32_t n) noexcept {
    n_ = n;
    next_.store(0, std::memory_order_relaxed);
    n_done_.store(0, std::memory_order_relaxed);
  }
  /// Takes a share of what is left for one of n_threads: large at first, so that a thread reads memory in long runs,
  /// then ever smaller. Empty when none are left.
  Range take(uint32_t n_threads) noexcept {
    uint32_t begin = next_.load(std::memory_order_relaxed);
    for (;;) {
      if (begin >= n_) return {n_, n_};
      const uint32_t left = n_ - begin;
      const uint32_t share =
          n_threads == 1 ? left : static_cast<uint32_t>(uint64_t{left} * 3 / (uint64_t{n_threads} * 4));
      const uint32_t end = begin + (share == 0 ? 1 : share);
      if (next_.compare_exchange_weak(begin, end, std::memory_order_relaxed)) return {begin, end};
    }
  }
  /// Says that a taken range is done; who returns from wait() sees what was written for it.
  void finish(Range range) noexcept {
    const uint32_t n = range.end - range.begin;
    if (n_done_.fetch_add(n, std::memory_order_acq_rel) + n == n_) n_done_.notify_all();
  }
  /// Until all items are done, by a thread of `pool`.
  void wait(ThreadPool& pool) noexcept { pool.wait_until(n_done_, n_); }

 private:
  // On one cache line, as whoever takes reads all three.
  alignas(64) std::atomic<uint32_t> next_{0};
  std::atomic<uint32_t> n_done_{0};
  uint32_t n_ = 0;
};

}  // namespace kinglet
