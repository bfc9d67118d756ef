#include "front/serve/http/workers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

namespace kinglet::serve::http {
namespace {

TEST(Workers, GivesSoManyPlacesAndTakesThemBack) {
  Workers workers(2, 1);
  auto first = workers.take_place(false);
  auto second = workers.take_place(true);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(workers.take_place(false));
  {
    const auto urgent = workers.take_place(true);
    EXPECT_TRUE(urgent);
    EXPECT_FALSE(workers.take_place(true));
  }
  EXPECT_TRUE(workers.take_place(true));
  second.reset();
  EXPECT_TRUE(workers.take_place(false));
}

TEST(Workers, RunsAsManyTasksAtOnceAsThereArePlaces) {
  std::atomic<int> n_running{0};
  std::atomic<int> n_done{0};
  {
    Workers workers(3, 1);
    for (int i = 0; i < 4; ++i) {
      workers.run([&] {
        ++n_running;
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (n_running < 4 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
        ++n_done;
      });
    }
  }
  EXPECT_EQ(n_running, 4);
  EXPECT_EQ(n_done, 4);
}

}  // namespace
}  // namespace kinglet::serve::http
