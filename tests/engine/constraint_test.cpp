// Constraints in an engine: what a mask forbids is never chosen, under any setting; what is forced comes as if it had
// been chosen; what a constraint throws ends its request alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <thread>

#include "engines.h"
#include "home/system/thread_pool.h"

namespace kinglet::tests {
namespace {

constexpr size_t kVocab = 40;

/// By what has been accepted says which tokens may follow; where that is one, it is forced, if the test wants it so.
class Rule final : public engine::TokenConstraint {
 public:
  using Allowed = std::function<std::vector<int32_t>(const std::vector<int32_t>&)>;
  explicit Rule(Allowed allowed, bool forces = false) : allowed_(std::move(allowed)), forces_(forces) {}

  std::span<const uint32_t> mask() override {
    mask_thread = std::this_thread::get_id();
    mask_.assign((kVocab + 31) / 32, 0);
    for (const int32_t token : allowed_(text_)) {
      mask_[static_cast<size_t>(token) / 32] |= 1U << (static_cast<size_t>(token) % 32);
    }
    ++n_masks;
    return mask_;
  }
  void accept(int32_t token) override {
    accept_thread = std::this_thread::get_id();
    text_.push_back(token);
  }
  size_t forced(std::vector<int32_t>& tokens) override {
    std::vector<int32_t> text = text_;
    size_t n = 0;
    for (auto next = allowed_(text); forces_ && next.size() == 1 && n < 100; next = allowed_(text), ++n) {
      text.push_back(next.front());
      tokens.push_back(next.front());
    }
    return n;
  }

  std::thread::id mask_thread;
  std::thread::id accept_thread;
  size_t n_masks = 0;

 private:
  Allowed allowed_;
  bool forces_;
  std::vector<int32_t> text_;
  std::vector<uint32_t> mask_;
};

std::vector<int32_t> range(int32_t first, int32_t end) {
  std::vector<int32_t> tokens;
  for (int32_t token = first; token < end; ++token) tokens.push_back(token);
  return tokens;
}

/// Two tokens are chosen among some, then come five that must, over and over.
std::vector<int32_t> in_turns(const std::vector<int32_t>& text) {
  const size_t place = text.size() % 7;
  if (place < 2) return range(3, 30);
  return {static_cast<int32_t>((text[text.size() - place] + static_cast<int32_t>(place)) % 40)};
}

std::vector<engine::SamplingParams> chains() {
  std::vector<engine::SamplingParams> all(7);
  for (size_t i = 1; i < all.size(); ++i) all[i].temperature = 1.1F;
  all[2].top_k = 5;
  all[2].top_p = 0.9F;
  all[3].mirostat = true;
  all[4].repetition_penalty = 1.3F;
  all[4].presence_penalty = 0.5F;
  all[4].dry_multiplier = 0.8F;
  all[5].typical_p = 0.8F;
  all[5].min_p = 0.05F;
  all[6].xtc_probability = 0.5F;
  all[6].logit_bias = {{4, 3.0F}, {35, 100.0F}};
  for (size_t i = 0; i < all.size(); ++i) all[i].seed = i;
  return all;
}

using Constraints = Engines;

// The judge: a ban by bias of all other tokens.
TEST_F(Constraints, AMaskIsABanOfAllOthers) {
  const std::vector<int32_t> some = {1, 4, 7, 12, 20, 33, 39};
  Engine engine(model.shared(), options, table, inline_pool);
  for (const engine::SamplingParams& sampling : chains()) {
    Request masked = request_of(sampling.seed, 9, 40);
    masked.sampling = sampling;
    Request banned = masked;
    std::erase_if(banned.sampling.logit_bias, [](const auto& bias) { return bias.first == 35; });
    for (int32_t token = 0; token < 40; ++token) {
      if (std::ranges::find(some, token) != some.end()) continue;
      banned.sampling.logit_bias.emplace_back(token, -std::numeric_limits<float>::infinity());
    }
    masked.constraint = std::make_shared<Rule>([&](const auto&) { return some; });
    const Answer answer = read(*engine.submit(masked));
    EXPECT_EQ(answer.tokens, read(*engine.submit(banned)).tokens) << sampling.seed;
    EXPECT_EQ(answer.tokens.size(), 40U);
  }
}

TEST_F(Constraints, WhatIsForcedComesAsIfItHadBeenChosen) {
  for (const std::optional<size_t> log_probs : {std::optional<size_t>(), std::optional<size_t>(3)}) {
    for (const size_t max_tokens : {1U, 2U, 3U, 4U, 9U, 31U, 1000U}) {
      Request request = request_of(3, 20, max_tokens, true);
      request.log_probs = log_probs;
      request.constraint = std::make_shared<Rule>(in_turns, false);
      const Answer chosen = alone(request, options);
      const auto rule = std::make_shared<Rule>(in_turns, true);
      request.constraint = rule;
      const Answer forced = alone(request, options);
      EXPECT_EQ(forced.tokens, chosen.tokens) << max_tokens;
      EXPECT_EQ(forced.finish, chosen.finish);
      EXPECT_EQ(forced.finish, max_tokens == 1000 ? FinishReason::kContext : FinishReason::kLength);
      EXPECT_EQ(forced.usage.completion_tokens, chosen.tokens.size());
      if (max_tokens == 31) {
        EXPECT_EQ(rule->n_masks, 10U) << "two of seven are chosen";
      }
    }
  }
}

TEST_F(Constraints, AllThatIsSaidMayBeForced) {
  const std::vector<int32_t> saying = {5, 9, 9, 30, 1};
  const Rule::Allowed rule = [&](const std::vector<int32_t>& text) {
    return std::vector<int32_t>{text.size() < saying.size() ? saying[text.size()] : 2};
  };
  Request request = request_of(1, 12, 100);
  request.stop_tokens = {2};
  request.constraint = std::make_shared<Rule>(rule, true);
  const Answer answer = alone(request, options);
  EXPECT_EQ(answer.tokens, saying);
  EXPECT_EQ(answer.finish, FinishReason::kStop) << "the end is forced too";
  request.log_probs = 0;
  request.constraint = std::make_shared<Rule>(rule, true);
  EXPECT_EQ(alone(request, options).tokens, saying);
  request.max_tokens = 3;
  request.constraint = std::make_shared<Rule>(rule, true);
  EXPECT_EQ(alone(request, options).finish, FinishReason::kLength);
  request.max_tokens = 0;
  request.constraint = std::make_shared<Rule>(rule, true);
  EXPECT_TRUE(alone(request, options).tokens.empty());
}

TEST_F(Constraints, WhereNothingMayFollowTheAnswerIsBarred) {
  Request request = request_of(1, 12, 100);
  request.constraint =
      std::make_shared<Rule>([](const auto& text) { return text.size() < 4 ? range(0, 40) : std::vector<int32_t>{}; });
  const Answer answer = alone(request, options);
  EXPECT_EQ(answer.finish, FinishReason::kBarred);
  EXPECT_EQ(answer.tokens.size(), 4U);
}

TEST_F(Constraints, WhatOneThrowsEndsItsRequestAlone) {
  /// Fails in the call that the test names, at the third token.
  class Failing final : public engine::TokenConstraint {
   public:
    explicit Failing(std::string call) : call_(std::move(call)) {}
    std::span<const uint32_t> mask() override {
      fail_in("mask");
      return mask_;
    }
    void accept(int32_t /*token*/) override {
      ++n_;
      fail_in("accept");
    }
    size_t forced(std::vector<int32_t>& tokens) override {
      fail_in("forced");
      if (call_ == "token") tokens.push_back(40);
      return tokens.size();
    }

   private:
    void fail_in(const char* call) const {
      if (n_ == 3 && call_ == call) fail(ErrorCode::kRefused, "too much to think about");
    }
    std::string call_;
    size_t n_ = 0;
    std::vector<uint32_t> mask_ = {~0U, ~0U};
  };
  for (const char* call : {"mask", "accept", "forced", "token"}) {
    Engine engine(model.shared(), {.context_len = 128, .max_sequences = 2}, table, inline_pool);
    Request bad = request_of(1, 12, 100);
    bad.constraint = std::make_shared<Failing>(call);
    const auto first = engine.submit(bad);
    const auto second = engine.submit(request_of(2, 12, 50));
    try {
      read(*first);
      ADD_FAILURE() << call;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), call == std::string("token") ? ErrorCode::kInvalidArgument : ErrorCode::kRefused) << call;
    }
    EXPECT_EQ(read(*second).tokens, alone(request_of(2, 12, 50), options).tokens);
  }
}

TEST_F(Constraints, MasksAreMadeOnAnotherThreadAndNothingDependsOnWhatRunsBeside) {
  system::SpinPool pool(2);
  Engine engine(model.shared(), {.context_len = 128, .max_sequences = 4, .prompt_chunk = 24}, table, pool);
  std::vector<Answer> want;
  std::vector<std::shared_ptr<Rule>> rules;
  std::vector<std::shared_ptr<engine::Generation>> running;
  for (uint64_t i = 0; i < 9; ++i) {
    Request request = request_of(i, 5 + i * 11 % 60, 50);
    request.sampling.repetition_penalty = 1.1F;
    if (i % 3 == 0) {
      want.push_back(alone(request, options));
    } else {
      request.constraint = std::make_shared<Rule>(in_turns, i % 3 == 1);
      want.push_back(alone(request, options));
      request.constraint = rules.emplace_back(std::make_shared<Rule>(in_turns, i % 3 == 1));
    }
    running.push_back(engine.submit(request));
  }
  for (size_t i = 0; i < running.size(); ++i) EXPECT_EQ(read(*running[i]).tokens, want[i].tokens) << i;
  for (const auto& rule : rules) EXPECT_NE(rule->mask_thread, rule->accept_thread);
}

}  // namespace
}  // namespace kinglet::tests
