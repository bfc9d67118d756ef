#include "home/system/thread_pool.h"

#include <gtest/gtest.h>

#include <chrono>
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

// What a thread wrote before a barrier is seen by all behind it; without an order the sanitizer would complain.
TEST_P(Pools, ABarrierOrdersWhatWasWritten) {
  SpinPool pool(GetParam());
  const auto n = static_cast<size_t>(GetParam());
  std::vector<uint64_t> numbers(n, 1);
  std::vector<uint64_t> sums(n, 0);
  constexpr int kRounds = 300;
  pool.run_all([&](int thread_idx) {
    const auto self = static_cast<size_t>(thread_idx);
    for (int round = 0; round < kRounds; ++round) {
      sums[self] = std::accumulate(numbers.begin(), numbers.end(), uint64_t{0}) % 1000003;
      pool.barrier();
      numbers[self] = sums[(self + 1) % n] + 1;
      pool.barrier();
    }
  });
  // All threads count the same sum, so all numbers stay alike.
  uint64_t want = 1;
  for (int round = 0; round < kRounds; ++round) want = want * n % 1000003 + 1;
  EXPECT_EQ(numbers, std::vector<uint64_t>(n, want));
}

TEST_P(Pools, ItemsAreTakenOnce) {
  SpinPool pool(GetParam());
  ChunkCounter counter;
  for (const size_t n : {0, 1, 2, 7, 1000}) {
    std::vector<std::atomic<int>> taken(n);
    counter.reset();
    pool.run_all([&](int) {
      for (;;) {
        const auto [begin, end] = counter.take(n, static_cast<size_t>(GetParam()));
        if (begin == end) return;
        ASSERT_LE(end, n);
        for (size_t i = begin; i < end; ++i) taken[i].fetch_add(1);
      }
    });
    for (const auto& times : taken) ASSERT_EQ(times.load(), 1);
  }
}

// Threads that have gone to sleep wake up.
TEST_P(Pools, WorkAfterARest) {
  SpinPool pool(GetParam());
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    std::atomic<int> n{0};
    pool.run_all([&](int) {
      n.fetch_add(1);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // longer than anybody spins
      pool.barrier();
    });
    ASSERT_EQ(n.load(), GetParam());
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
