#include "home/system/thread_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <numeric>
#include <set>
#include <thread>

namespace kinglet::system {
namespace {

class Pools : public testing::TestWithParam<int> {};

TEST_P(Pools, EachThreadIsCalledOnce) {
  SpinPool pool(GetParam());
  ASSERT_EQ(pool.n_threads(), GetParam());
  for (int round = 0; round < 200; ++round) {
    std::vector<int> calls(static_cast<size_t>(GetParam()), 0);
    std::vector<std::thread::id> ids(calls.size());
    pool.run_all([&](int thread_idx) {
      ++calls[static_cast<size_t>(thread_idx)];
      ids[static_cast<size_t>(thread_idx)] = std::this_thread::get_id();
    });
    ASSERT_EQ(calls, std::vector<int>(calls.size(), 1));
    ASSERT_EQ(ids[0], std::this_thread::get_id()) << "the caller is thread 0";
    ASSERT_EQ(std::set(ids.begin(), ids.end()).size(), ids.size());
  }
}

// What is written for an item is seen by all who have waited for it; without an order the sanitizer would complain.
TEST_P(Pools, ItemsAreDoneBeforeTheNextStep) {
  SpinPool pool(GetParam());
  constexpr uint32_t kItems = 7;
  constexpr size_t kSteps = 300;
  std::vector<uint64_t> before(kItems, 1);
  std::vector<uint64_t> after(kItems);
  std::vector<SharedItems> steps(kSteps);
  for (SharedItems& step : steps) step.reset(kItems);
  pool.run_all([&](int) {
    for (size_t s = 0; s < kSteps; ++s) {
      const std::vector<uint64_t>& from = s % 2 == 0 ? before : after;
      std::vector<uint64_t>& to = s % 2 == 0 ? after : before;
      for (;;) {
        const auto taken = steps[s].take(static_cast<uint32_t>(GetParam()));
        if (taken.begin == taken.end) break;
        for (uint32_t i = taken.begin; i < taken.end; ++i) {
          to[i] = std::accumulate(from.begin(), from.end(), uint64_t{i}) % 1000003;
        }
        steps[s].finish(taken);
      }
      steps[s].wait(pool);
    }
  });
  std::vector<uint64_t> want(kItems, 1);
  for (size_t s = 0; s < kSteps; ++s) {
    const uint64_t sum = std::accumulate(want.begin(), want.end(), uint64_t{0});
    for (uint32_t i = 0; i < kItems; ++i) want[i] = (sum + i) % 1000003;
  }
  EXPECT_EQ(before, want);
}

// One thread does all steps while the others sleep: nobody waits for their arrival.
TEST_P(Pools, SleepersHoldNobody) {
  SpinPool pool(GetParam());
  constexpr size_t kSteps = 20;
  std::vector<SharedItems> steps(kSteps);
  for (SharedItems& step : steps) step.reset(3);
  std::atomic<bool> all_done{false};
  pool.run_all([&](int thread_idx) {
    if (thread_idx > 0) {
      while (!all_done.load()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    for (SharedItems& step : steps) {
      for (;;) {
        const auto taken = step.take(static_cast<uint32_t>(GetParam()));
        if (taken.begin == taken.end) break;
        EXPECT_EQ(thread_idx, 0);
        step.finish(taken);
      }
      step.wait(pool);
    }
    if (thread_idx == 0) all_done.store(true);
  });
}

TEST_P(Pools, ItemsAreTakenOnce) {
  SpinPool pool(GetParam());
  SharedItems items;
  for (const uint32_t n : {0U, 1U, 2U, 7U, 1000U}) {
    std::vector<std::atomic<int>> taken(n);
    items.reset(n);
    pool.run_all([&](int) {
      for (;;) {
        const auto [begin, end] = items.take(static_cast<uint32_t>(GetParam()));
        if (begin == end) return;
        ASSERT_LE(end, n);
        for (uint32_t i = begin; i < end; ++i) taken[i].fetch_add(1);
      }
    });
    for (const auto& times : taken) ASSERT_EQ(times.load(), 1);
  }
}

// Threads that have gone to sleep wake up.
TEST_P(Pools, WorkAfterARest) {
  SpinPool pool(GetParam());
  const auto n_threads = static_cast<uint32_t>(GetParam());
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    std::atomic<uint32_t> n{0};
    pool.run_all([&](int thread_idx) {
      std::this_thread::sleep_for(std::chrono::milliseconds(thread_idx));  // longer than anybody spins
      if (n.fetch_add(1) + 1 == n_threads) n.notify_all();
      pool.wait_until(n, n_threads);
    });
    ASSERT_EQ(n.load(), n_threads);
  }
}

TEST_P(Pools, MayBeUsedByOneThreadAfterAnother) {
  SpinPool pool(GetParam());
  int total = 0;
  for (int i = 0; i < 20; ++i) {
    std::thread([&] {
      std::vector<int> parts(static_cast<size_t>(GetParam()), 0);
      pool.run_all([&](int thread_idx) { parts[static_cast<size_t>(thread_idx)] = 1; });
      total += std::accumulate(parts.begin(), parts.end(), 0);
    }).join();
  }
  EXPECT_EQ(total, 20 * GetParam());
}

// Several threads have work at once: each piece has all threads to itself, and the sanitizer sees no race in it.
TEST_P(Pools, CallersTakeTurns) {
  SpinPool pool(GetParam());
  constexpr size_t kCallers = 4;
  constexpr int kRounds = 100;
  int inside = 0;  // guarded by the turns alone
  int total = 0;
  std::vector<std::thread> callers;
  for (size_t c = 0; c < kCallers; ++c) {
    callers.emplace_back([&] {
      std::vector<int> parts(static_cast<size_t>(GetParam()), 0);
      for (int round = 0; round < kRounds; ++round) {
        pool.run_all([&](int thread_idx) {
          if (thread_idx == 0) {
            EXPECT_EQ(++inside, 1);
            ++total;
            --inside;
          }
          ++parts[static_cast<size_t>(thread_idx)];
        });
      }
      EXPECT_EQ(parts, std::vector<int>(parts.size(), kRounds));
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total, static_cast<int>(kCallers) * kRounds);
}

// Who has more work all the time lets others in.
TEST(Pool, NobodyIsKeptOut) {
  SpinPool pool(2);
  std::atomic<bool> ending{false};
  std::atomic<int> n_busy{0};
  std::thread busy([&] {
    while (!ending.load()) {
      pool.run_all([&](int thread_idx) {
        if (thread_idx > 0) return;
        n_busy.fetch_add(1);
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      });
    }
  });
  while (n_busy.load() == 0) std::this_thread::yield();
  int least = INT_MAX;
  for (int i = 0; i < 20; ++i) {
    const int before = n_busy.load();
    int after = 0;
    pool.run_all([&](int thread_idx) {
      if (thread_idx == 0) after = n_busy.load();
    });
    least = std::min(least, after - before);
  }
  ending.store(true);
  busy.join();
  // The one that begins before the caller has its place; more where the system lets the caller wait on its way there.
  EXPECT_LE(least, 1);
}

// More threads than this machine may have: they do not spin.
INSTANTIATE_TEST_SUITE_P(Threads, Pools, testing::Values(1, 2, 3, 8));

TEST(Pool, ManyComeAndGo) {
  for (int i = 0; i < 50; ++i) {
    SpinPool pool(1 + i % 4);
    if (i % 3 > 0) pool.run_all([](int) {});
  }
}

TEST(Pool, AtLeastOneThread) {
  EXPECT_EQ(SpinPool(0).n_threads(), 1);
  EXPECT_GE(usable_cores(), 1);
  EXPECT_LE(usable_cores(), static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
}

}  // namespace
}  // namespace kinglet::system
