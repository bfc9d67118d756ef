// Log-probabilities of an engine against the scorer's logits (what `kinglet logits` prints), of prompts and of answers,
// however prompts are cut, whatever is known of them, and whatever runs beside.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "engines.h"
#include "home/system/thread_pool.h"
#include "run/engine/scoring.h"

namespace kinglet::tests {
namespace {

struct Scored {
  std::vector<engine::Event> events;
  engine::Event end;
};

Scored read_all(engine::Generation& generation) {
  Scored scored;
  for (engine::Event event = generation.next();; event = generation.next()) {
    if (event.finish) {
      scored.end = event;
      return scored;
    }
    scored.events.push_back(event);
  }
}

class LogProbs : public Engines {
 protected:
  LogProbs() : big({.format = "Q8_0", .context_len = 512}) {}

  /// Of each place in a text the log-probabilities of all tokens that may follow, in double precision.
  std::vector<std::vector<double>> judged(const std::vector<int32_t>& ids) {
    engine::Scorer scorer(*big.shared(), ids.size(), table, inline_pool);
    std::vector<std::vector<double>> all;
    scorer.logits(ids, 0, [&](size_t, std::span<const float> logits) {
      std::vector<double>& of_row = all.emplace_back(logits.begin(), logits.end());
      double sum = 0;
      for (const double logit : of_row) sum += std::exp(logit);
      for (double& logit : of_row) logit -= std::log(sum);
    });
    return all;
  }

  void expect_judged(const Request& request, const Scored& scored, const char* what) {
    std::vector<int32_t> text = request.prompt;
    if (request.prompt_log_probs) text.clear();
    for (const engine::Event& event : scored.events) text.push_back(event.token);
    ASSERT_TRUE(std::equal(request.prompt.begin(), request.prompt.end(), text.begin())) << what;
    const auto want = judged(text);
    const size_t first = request.prompt_log_probs ? 0 : request.prompt.size();
    for (size_t i = 0; i < scored.events.size(); ++i) {
      const engine::Event& event = scored.events[i];
      EXPECT_EQ(event.is_prompt, first + i < request.prompt.size()) << what;
      if (first + i == 0) {
        EXPECT_FALSE(event.log_prob.has_value());
        EXPECT_TRUE(event.top.empty());
        continue;
      }
      const std::vector<double>& row = want[first + i - 1];
      ASSERT_TRUE(event.log_prob.has_value()) << what;
      EXPECT_NEAR(static_cast<double>(*event.log_prob), row[static_cast<size_t>(event.token)], 1e-5) << what << i;
      std::vector<int32_t> order(row.size());
      std::iota(order.begin(), order.end(), 0);
      std::ranges::sort(order, {}, [&](int32_t id) { return std::pair(-row[static_cast<size_t>(id)], id); });
      ASSERT_EQ(event.top.size(), *request.log_probs) << what;
      for (size_t k = 0; k < event.top.size(); ++k) {
        EXPECT_EQ(event.top[k].token, order[k]) << what << i;
        EXPECT_NEAR(static_cast<double>(event.top[k].log_prob), row[static_cast<size_t>(order[k])], 1e-5);
      }
    }
  }

  const models::TinyModel big;
  // What the scorer computes with.
  const EngineOptions exact{.context_len = 512, .kv_type = kernels::KvType::kF32};
};

TEST_F(LogProbs, AreThoseOfTheScorer) {
  Request request = request_of(4, 200, 30);
  for (const size_t n_top : {0U, 1U, 5U, 20U}) {
    for (const bool of_prompt : {false, true}) {
      // Settings that change what is chosen do not change what the model thinks of it.
      request.sampling.repetition_penalty = 1.5F;
      request.sampling.top_k = 10;
      request.log_probs = n_top;
      request.prompt_log_probs = of_prompt;
      for (const size_t chunk : {512U, 50U, 7U}) {
        EngineOptions settings = exact;
        settings.prompt_chunk = chunk;
        Engine engine(big.shared(), settings, table, inline_pool);
        const Scored first = read_all(*engine.submit(request));
        EXPECT_EQ(first.events.size(), of_prompt ? 230U : 30U);
        expect_judged(request, first, "new");
        const Scored again = read_all(*engine.submit(request));
        EXPECT_EQ(again.end.usage.cached_tokens, of_prompt ? 0U : 192U);
        expect_judged(request, again, "known");
      }
    }
  }
}

TEST_F(LogProbs, OfAPromptAlone) {
  Request request = request_of(4, 130, 0);
  request.log_probs = 2;
  request.prompt_log_probs = true;
  Engine engine(big.shared(), exact, table, inline_pool);
  const Scored scored = read_all(*engine.submit(request));
  EXPECT_EQ(scored.events.size(), 130U);
  EXPECT_EQ(scored.end.finish, FinishReason::kLength);
  EXPECT_EQ(scored.end.usage.completion_tokens, 0U);
  expect_judged(request, scored, "alone");
  request.prompt.resize(1);
  EXPECT_EQ(read_all(*engine.submit(request)).events.size(), 1U);
}

TEST_F(LogProbs, ChangeNothingOfWhatRunsBeside) {
  system::SpinPool pool(2);
  EngineOptions settings = exact;
  settings.max_sequences = 4;
  settings.prompt_chunk = 60;
  Engine engine(big.shared(), settings, table, pool);
  std::vector<Request> requests;
  std::vector<std::shared_ptr<engine::Generation>> running;
  for (uint64_t i = 0; i < 10; ++i) {
    Request request = request_of(i, 20 + 13 * i, 40);
    if (i % 3 > 0) request.log_probs = i;
    request.prompt_log_probs = i % 3 == 2;
    requests.push_back(request);
    running.push_back(engine.submit(request));
  }
  for (size_t i = 0; i < running.size(); ++i) {
    const Scored scored = read_all(*running[i]);
    Request plain = requests[i];
    plain.log_probs = std::nullopt;
    plain.prompt_log_probs = false;
    Engine other(big.shared(), exact, table, inline_pool);
    const Answer want = read(*other.submit(plain));
    std::vector<int32_t> tokens;
    for (const engine::Event& event : scored.events) {
      if (!event.is_prompt) tokens.push_back(event.token);
    }
    EXPECT_EQ(tokens, want.tokens) << i;
    if (requests[i].log_probs) {
      expect_judged(requests[i], scored, "beside");
    } else {
      EXPECT_FALSE(scored.events.back().log_prob.has_value());
    }
  }
}

TEST_F(LogProbs, NoMoreThanThereMayBe) {
  Engine engine(big.shared(), exact, table, inline_pool);
  Request request = request_of(1, 5, 5);
  request.log_probs = 21;
  EXPECT_THROW(engine.submit(request), Error);
  request.log_probs = std::nullopt;
  request.prompt_log_probs = true;
  EXPECT_THROW(engine.submit(request), Error);
}

TEST(LogProbsOfLogits, OfEqualOnesTheLowerIdComesFirst) {
  const std::vector<float> logits = {1, 3, 2, 3, -1000, 2};
  std::vector<engine::TokenLogProb> top(6);
  const float of_token = engine::log_probs(logits, 4, top);
  const double sum = std::log(std::exp(1.0) + 2 * std::exp(3.0) + 2 * std::exp(2.0));
  EXPECT_NEAR(static_cast<double>(of_token), -1000 - sum, 1e-4);
  std::vector<int32_t> ids;
  for (const auto& entry : top) ids.push_back(entry.token);
  EXPECT_EQ(ids, (std::vector<int32_t>{1, 3, 2, 5, 0, 4}));
  EXPECT_NEAR(static_cast<double>(top[2].log_prob), 2 - sum, 1e-6);
  EXPECT_NEAR(static_cast<double>(engine::log_probs(logits, 1, {})), 3 - sum, 1e-6);
}

}  // namespace
}  // namespace kinglet::tests
