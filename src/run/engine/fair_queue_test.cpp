// The queue alone, and a machine of a few places behind it whose time is counted.
#include "run/engine/fair_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace kinglet::engine {
namespace {

std::shared_ptr<Generation> request_of(std::string client, size_t n_prompt, size_t max_tokens = 10) {
  Request request;
  request.prompt.assign(n_prompt, 1);
  request.max_tokens = max_tokens;
  request.client = std::move(client);
  return std::make_shared<Generation>(std::move(request));
}

std::string order_of(FairQueue& queue) {
  std::string order;
  while (!queue.empty()) order += queue.pop()->request().client;
  return order;
}

TEST(FairQueue, TakesTurns) {
  FairQueue queue;
  for (int i = 0; i < 4; ++i) queue.push(request_of("a", 10));
  for (int i = 0; i < 2; ++i) queue.push(request_of("b", 10));
  queue.push(request_of("c", 30));
  queue.push(request_of("c", 10));
  EXPECT_EQ(queue.size(), 8U);
  EXPECT_EQ(order_of(queue), "abcabaac");
  EXPECT_TRUE(queue.empty());
}

TEST(FairQueue, OneClientsRequestsKeepTheirOrder) {
  FairQueue queue;
  for (size_t i = 1; i <= 5; ++i) queue.push(request_of("a", i));
  for (size_t i = 1; i <= 5; ++i) EXPECT_EQ(queue.pop()->request().prompt.size(), i);
}

TEST(FairQueue, LongAnswersCountAsWell) {
  FairQueue queue;
  for (int i = 0; i < 3; ++i) queue.push(request_of("a", 10));
  for (int i = 0; i < 3; ++i) queue.push(request_of("b", 10));
  EXPECT_EQ(queue.pop()->request().client, "a");
  queue.charge("a", 15);  // its answer went on
  EXPECT_EQ(order_of(queue), "bbbaa");
}

TEST(FairQueue, NobodySavesUpTurnsByComingLate) {
  FairQueue queue;
  for (int i = 0; i < 100; ++i) queue.push(request_of("a", 10));
  for (int i = 0; i < 90; ++i) queue.pop();
  for (int i = 0; i < 10; ++i) queue.push(request_of("b", 10));
  EXPECT_EQ(order_of(queue).substr(0, 8), "abababab");
}

TEST(FairQueue, NobodyGetsRidOfWhatItWasGivenByGoingAway) {
  FairQueue queue;
  for (int i = 0; i < 5; ++i) queue.push(request_of("b", 10));
  queue.push(request_of("a", 100));
  EXPECT_EQ(queue.pop()->request().client, "b");
  EXPECT_EQ(queue.pop()->request().client, "a");
  queue.leave("a");
  queue.push(request_of("a", 100));
  EXPECT_EQ(order_of(queue), "bbbba");
}

TEST(FairQueue, WhatIsNotWantedAnyMoreIsTakenOut) {
  FairQueue queue;
  const auto gone = request_of("a", 10);
  queue.push(gone);
  queue.push(request_of("a", 10));
  queue.push(request_of("b", 10));
  queue.remove_if([&](const Generation& of) { return &of == gone.get(); });
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_EQ(queue.take_all().size(), 2U);
  EXPECT_TRUE(queue.empty());
}

// 8 clients, one of which sends 20 times what each other does, before all of them; 4 places; each request computes its
// prompt at once, then a token a step. A fair share of a client is an eighth of the machine: with it its last answer
// would be there after 8 times its own work.
TEST(FairQueue, OneThatSendsTwentyTimesTheRestHoldsNobodyUp) {
  constexpr size_t kPlaces = 4;
  constexpr size_t kEach = 6;
  constexpr size_t kTokens = 25;
  FairQueue queue;
  for (size_t i = 0; i < 20 * kEach; ++i) queue.push(request_of("0", 40, kTokens));
  for (size_t i = 0; i < kEach; ++i) {
    for (int client = 1; client < 8; ++client) queue.push(request_of(std::to_string(client), 40, kTokens));
  }
  struct Place {
    std::shared_ptr<Generation> generation;
    size_t n_left = 0;
  };
  std::array<Place, kPlaces> places;
  std::array<size_t, 8> last_end = {};
  for (size_t step = 1; !queue.empty(); ++step) {
    for (Place& place : places) {
      if (place.generation == nullptr && !queue.empty()) place = {queue.pop(), kTokens};
      if (place.generation == nullptr) continue;
      const std::string& client = place.generation->request().client;
      queue.charge(client, FairQueue::kTokenCost);
      if (--place.n_left > 0) continue;
      queue.leave(client);
      last_end[static_cast<size_t>(client[0] - '0')] = step;
      place.generation = nullptr;
    }
  }
  const size_t fair = 8 * kEach * kTokens / kPlaces;
  for (size_t client = 1; client < 8; ++client) EXPECT_LE(last_end[client], fair * 5 / 4) << client;
}

}  // namespace
}  // namespace kinglet::engine
