#include "home/system/thread_pool.h"

#include <sched.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "home/system/cgroup.h"
#include "home/system/file.h"

namespace kinglet::system {
namespace {

// A pause takes some 40 cycles; this many are about 30 microseconds.
constexpr int kSpins = 2000;

void pause_cpu() noexcept {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

// Spins, then sleeps, until `is_there` says so of a word's value.
template <class Condition>
void wait_for(const std::atomic<uint32_t>& word, int spins, const Condition& is_there) noexcept {
  for (int i = 0; i < spins; ++i) {
    if (is_there(word.load(std::memory_order_acquire))) return;
    pause_cpu();
  }
  for (;;) {
    const uint32_t now = word.load(std::memory_order_acquire);
    if (is_there(now)) return;
    word.wait(now, std::memory_order_acquire);
  }
}

// Lets callers in one after another, in the order in which they came: nobody who calls again and again keeps others
// out.
class Turns {
 public:
  void take() noexcept {
    const uint32_t mine = next_.fetch_add(1, std::memory_order_relaxed);
    wait_for(now_, 0, [&](uint32_t now) { return now == mine; });
  }
  void pass() noexcept {
    now_.fetch_add(1, std::memory_order_release);
    now_.notify_all();
  }

 private:
  alignas(64) std::atomic<uint32_t> next_{0};
  std::atomic<uint32_t> now_{0};
};

}  // namespace

struct SpinPool::State {
  explicit State(int n) : n_threads(n), spins(n <= usable_cores() ? kSpins : 0) {}

  const int n_threads;
  const int spins;
  Task task = nullptr;
  void* context = nullptr;
  alignas(64) std::atomic<uint32_t> round{0};   // of run(); a change starts the workers
  alignas(64) std::atomic<uint32_t> n_back{0};  // workers that have left the task
  std::atomic<bool> ending{false};
  Turns turns;  // of callers of run()
  std::vector<std::thread> threads;

  [[nodiscard]] uint32_t n_workers() const noexcept { return static_cast<uint32_t>(n_threads - 1); }

  void work(int thread_idx) noexcept {
    uint32_t seen = 0;
    for (;;) {
      wait_for(round, spins, [&](uint32_t now) { return now != seen; });
      seen = round.load(std::memory_order_acquire);
      if (ending.load(std::memory_order_acquire)) return;
      task(context, thread_idx);
      if (n_back.fetch_add(1, std::memory_order_acq_rel) + 1 == n_workers()) n_back.notify_all();
    }
  }
};

SpinPool::SpinPool(int n_threads) : state_(std::make_unique<State>(std::max(1, n_threads))) {
  for (int i = 1; i < state_->n_threads; ++i) {
    state_->threads.emplace_back([state = state_.get(), i] { state->work(i); });
  }
}

SpinPool::~SpinPool() {
  state_->ending.store(true, std::memory_order_release);
  state_->round.fetch_add(1, std::memory_order_release);
  state_->round.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

int SpinPool::n_threads() const noexcept { return state_->n_threads; }

void SpinPool::run(Task task, void* context) noexcept {
  state_->turns.take();
  state_->task = task;
  state_->context = context;
  state_->n_back.store(0, std::memory_order_relaxed);
  if (state_->n_threads > 1) {
    state_->round.fetch_add(1, std::memory_order_release);
    state_->round.notify_all();
  }
  task(context, 0);
  wait_until(state_->n_back, state_->n_workers());
  state_->turns.pass();
}

void SpinPool::wait_until(const std::atomic<uint32_t>& word, uint32_t value) noexcept {
  wait_for(word, state_->spins, [&](uint32_t now) { return now >= value; });
}

int usable_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {
    return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  }
  std::set<std::string> cores;  // siblings of one core share the same list
  int unknown = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const std::string siblings =
        read_small_file(str("/sys/devices/system/cpu/cpu", cpu, "/topology/thread_siblings_list"));
    if (siblings.empty()) {
      ++unknown;
    } else {
      cores.insert(siblings);
    }
  }
  const int n = static_cast<int>(cores.size()) + unknown;
  return std::max(1, static_cast<int>(std::min(static_cast<double>(n), std::ceil(cgroup_cpus(cgroup_folders("cpu"))))));
}

}  // namespace kinglet::system
