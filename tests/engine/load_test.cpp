// The engine under load: turns among clients, the limit of the queue, deadlines, the time of a step, and what is
// counted.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <thread>

#include "engines.h"
#include "home/system/thread_pool.h"

namespace kinglet::tests {
namespace {

Request request_by(std::string client, uint64_t seed, size_t n_prompt, size_t max_tokens) {
  Request request = request_of(seed, n_prompt, max_tokens);
  request.client = std::move(client);
  return request;
}

using Load = Engines;

TEST_F(Load, MoreThanMayWaitAreRefused) {
  GatePool gate;
  Engine engine(model.shared(), {.context_len = 128, .max_waiting = 3}, table, gate);
  const auto first = engine.submit(request_of(0, 5, 50));
  gate.step(1);  // it has its place
  std::vector<std::shared_ptr<engine::Generation>> waiting;
  for (uint64_t i = 0; i < 3; ++i) waiting.push_back(engine.submit(request_of(i, 5, 2)));
  try {
    engine.submit(request_of(4, 5, 2));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBusy);
    EXPECT_EQ(error.message(), "queue: 3 requests wait already, which is the limit");
  }
  EXPECT_EQ(engine.stats().n_waiting, 3U);
  EXPECT_EQ(engine.stats().n_refused, 1U);
  waiting[1]->cancel();
  gate.allow(2);
  EXPECT_EQ(read(*waiting[1]).finish, FinishReason::kCancelled);
  waiting.push_back(engine.submit(request_of(5, 5, 2)));
  gate.open();
  for (const size_t i : {0U, 2U, 3U}) EXPECT_EQ(read(*waiting[i]).tokens.size(), 2U);
  EXPECT_EQ(read(*first).tokens.size(), 50U);
}

TEST_F(Load, EndAtTheirDeadlineWithinAStep) {
  GatePool gate;
  Engine engine(model.shared(), {.context_len = 128}, table, gate);
  Request running = request_of(1, 5, 100);
  Request waiting = request_of(2, 5, 100);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  running.deadline = waiting.deadline = deadline;
  const auto first = engine.submit(running);
  const auto second = engine.submit(waiting);
  gate.step(3);
  std::this_thread::sleep_until(deadline);
  gate.allow(1);  // the step that has begun may end
  const Answer answer = read(*first);
  EXPECT_EQ(answer.finish, FinishReason::kDeadline);
  EXPECT_GE(answer.tokens.size(), 3U);
  EXPECT_LE(answer.tokens.size(), 4U);
  const Answer never = read(*second);
  EXPECT_EQ(never.finish, FinishReason::kDeadline) << "it need not come to its turn";
  EXPECT_TRUE(never.tokens.empty());
  EXPECT_EQ(engine.stats().n_finished[static_cast<size_t>(FinishReason::kDeadline)], 2U);
  gate.open();
  EXPECT_EQ(read(*engine.submit(request_of(3, 5, 7))).tokens.size(), 7U);
}

// One client sends 20 times what each of seven others does, and first. An eighth of the engine would end a client's
// work when 8 times as much is done in all; none of the seven waits twice as long.
TEST_F(Load, OneThatSendsTwentyTimesTheRestHoldsNobodyUp) {
  constexpr size_t kEach = 4;
  GatePool gate;
  Engine engine(model.shared(), {.context_len = 128, .max_sequences = 4}, table, gate);
  std::vector<std::shared_ptr<engine::Generation>> heavy;
  std::vector<std::shared_ptr<engine::Generation>> light;
  for (size_t i = 0; i < 20 * kEach; ++i) heavy.push_back(engine.submit(request_by("heavy", i, 20 + i % 30, 20)));
  for (size_t i = 0; i < kEach; ++i) {
    for (int client = 0; client < 7; ++client) {
      light.push_back(engine.submit(request_by(std::to_string(client), 100 + i, 20 + i % 30, 20)));
    }
  }
  // All of it are 27 x kEach x 20 tokens, 4 in a step.
  constexpr size_t kFairSteps = 8 * kEach * 20 / 4;
  gate.step(2 * kFairSteps);
  for (const auto& generation : light) {
    std::optional<engine::Event> event;
    do {
      event = generation->next_within(std::chrono::seconds(10));
      ASSERT_TRUE(event.has_value()) << "has not come to its end";
    } while (!event->finish);
  }
  gate.open();
  for (const auto& generation : heavy) EXPECT_EQ(read(*generation).finish, FinishReason::kLength);
  EXPECT_EQ(engine.stats().completion_tokens, 27 * kEach * 20);
}

TEST_F(Load, LongPromptsOfClientsShareTheRowsOfAStep) {
  GatePool gate;
  Engine engine(model.shared(), {.context_len = 256, .max_sequences = 4, .prompt_chunk = 64}, table, gate);
  std::vector<std::shared_ptr<engine::Generation>> many;
  for (uint64_t i = 0; i < 3; ++i) many.push_back(engine.submit(request_by("many", i, 192, 1)));
  const auto one = engine.submit(request_by("one", 9, 192, 1));
  // The first step may know of the first request alone; from then on each client has half of the rows. One after the
  // other the last prompt would end with step 12. None generates, which would leave less rows to prompts.
  gate.step(7);
  EXPECT_TRUE(one->next_within(std::chrono::seconds(10)).has_value());
  gate.open();
  for (uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(read(*many[i]).tokens, alone(request_of(i, 192, 1), {.context_len = 256}).tokens) << i;
  }
}

TEST_F(Load, AStepsTimeIsASetting) {
  const auto refused = [&](double step_ms) {
    try {
      const Engine engine(model.shared(), {.context_len = 128, .step_ms = step_ms}, table, inline_pool);
    } catch (const Error& error) {
      return error.message();
    }
    return std::string("taken");
  };
  EXPECT_EQ(refused(0), "step-ms: is not more than 0");
  EXPECT_EQ(refused(std::numeric_limits<double>::quiet_NaN()), "step-ms: is not more than 0");
  EXPECT_EQ(refused(1), "taken");
  // However short it is, prompts go on and come out the same.
  Engine engine(model.shared(), {.context_len = 256, .max_sequences = 2, .step_ms = 1e-6}, table, inline_pool);
  const auto first = engine.submit(request_of(1, 5, 240));
  first->next();
  const Request request = request_of(2, 200, 10);
  EXPECT_EQ(read(*engine.submit(request)).tokens, alone(request, {.context_len = 256}).tokens);
  EXPECT_EQ(read(*first).tokens.size(), 239U);
}

TEST_F(Load, WhatIsCountedIsWhatWasDone) {
  Engine engine(model.shared(), {.context_len = 128, .max_sequences = 2}, table, inline_pool);
  const auto idle = engine.stats();
  EXPECT_EQ(idle.n_steps, 0U);
  EXPECT_EQ(idle.kv_pages_used, 0U);
  EXPECT_EQ(idle.kv_pages_total, 8U) << "two sequences of four pages";
  for (int round = 0; round < 2; ++round) read(*engine.submit(request_of(1, 70, 10)));
  Request barred = request_of(1, 5, 10);
  for (int32_t token = 0; token < 40; ++token) {
    barred.sampling.logit_bias.emplace_back(token, -std::numeric_limits<float>::infinity());
  }
  read(*engine.submit(barred));
  engine::EngineStats stats = engine.stats();
  for (int i = 0; stats.n_running > 0 && i < 1000; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    stats = engine.stats();
  }
  EXPECT_EQ(stats.n_running, 0U);
  EXPECT_EQ(stats.n_waiting, 0U);
  EXPECT_EQ(stats.n_submitted, 3U);
  EXPECT_EQ(stats.n_finished[static_cast<size_t>(FinishReason::kLength)], 2U);
  EXPECT_EQ(stats.n_finished[static_cast<size_t>(FinishReason::kBarred)], 1U);
  EXPECT_EQ(stats.prompt_tokens, 145U);
  EXPECT_EQ(stats.cached_tokens, 64U);
  EXPECT_EQ(stats.n_cache_hits, 1U);
  EXPECT_EQ(stats.completion_tokens, 20U);
  EXPECT_EQ(stats.n_steps, 21U);
  EXPECT_EQ(stats.n_step_sequences, 21U);
  EXPECT_EQ(stats.n_step_rows, 70U + 9 + 6 + 9 + 5);
  EXPECT_EQ(stats.cached_pages, 2U);
  EXPECT_EQ(stats.kv_pages_used, 2U) << "what the cache knows";
  EXPECT_EQ(stats.queue.n, 3U);
  EXPECT_EQ(stats.first_token.n, 2U);
  EXPECT_EQ(stats.between_tokens.n, 18U);
  EXPECT_EQ(stats.steps.n, 21U);
  EXPECT_EQ(std::accumulate(stats.steps.counts.begin(), stats.steps.counts.end(), uint64_t{0}), 21U);
  EXPECT_GT(stats.steps.sum_seconds, 0);
  // Texts that take all pages push out what was known.
  for (uint64_t i = 10; i < 14; ++i) read(*engine.submit(request_of(i, 100, 100)));
  EXPECT_GT(engine.stats().n_evicted_pages, 0U);
}

TEST(Histograms, CountByTheirBounds) {
  engine::Histogram histogram;
  for (const double seconds : {0.0, 0.001, 0.0011, 0.05, 0.051, 119.0, 121.0, 1e9}) histogram.add(seconds);
  const engine::HistogramView view = histogram.view();
  EXPECT_EQ(view.n, 8U);
  EXPECT_EQ(view.counts[0], 2U) << "a bound is within its bucket";
  EXPECT_EQ(view.counts[1], 1U);
  EXPECT_EQ(view.counts[5], 1U);
  EXPECT_EQ(view.counts[6], 1U);
  EXPECT_EQ(view.counts[15], 1U);
  EXPECT_EQ(view.counts[16], 2U);
  EXPECT_DOUBLE_EQ(view.sum_seconds, 0.0 + 0.001 + 0.0011 + 0.05 + 0.051 + 119.0 + 121.0 + 1e9);
}

}  // namespace
}  // namespace kinglet::tests
