// Properties of the sampler; its choices beside a reference are in tests/engine/sampler_golden_test.cpp.
#include "run/engine/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>

namespace kinglet::engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> random_logits(uint64_t seed, size_t n, float spread = 4.0F) {
  Philox random(seed);
  std::vector<float> logits(n);
  for (float& x : logits) x = spread * (2.0F * random.next_float() - 1.0F);
  return logits;
}

std::set<int32_t> all_choices(SamplingParams params, const std::vector<float>& logits, uint64_t n_seeds = 4000) {
  std::set<int32_t> chosen;
  for (params.seed = 0; params.seed < n_seeds; ++params.seed)
    chosen.insert(Sampler(params, logits.size()).sample(logits));
  return chosen;
}

TEST(Sampler, TheSameSeedGivesTheSameTokens) {
  const SamplingParams params{.temperature = 1.3F, .top_k = 30, .top_p = 0.95F, .xtc_probability = 0.5F, .seed = 99};
  Sampler first(params, 50);
  Sampler second(params, 50);
  std::vector<int32_t> tokens;
  for (uint64_t step = 0; step < 40; ++step) {
    tokens.push_back(first.sample(random_logits(step, 50)));
    EXPECT_EQ(second.sample(random_logits(step, 50)), tokens.back());
  }
  EXPECT_EQ(first.draws(), second.draws());
  SamplingParams other = params;
  other.seed = 100;
  Sampler third(other, 50);
  std::vector<int32_t> of_third;
  for (uint64_t step = 0; step < 40; ++step) of_third.push_back(third.sample(random_logits(step, 50)));
  EXPECT_NE(of_third, tokens);
}

// 20,000 draws of 6 tokens: each count within five standard deviations of its probability.
TEST(Sampler, DrawsHaveTheProbabilitiesOfSoftmax) {
  const std::vector<float> logits{0.0F, 1.0F, -1.0F, 2.0F, 0.5F, -3.0F};
  constexpr double kTemperature = 0.7;
  Sampler sampler({.temperature = 0.7F, .seed = 5}, logits.size());
  constexpr int kDraws = 20000;
  std::map<int32_t, int> counts;
  for (int i = 0; i < kDraws; ++i) ++counts[sampler.sample(logits)];
  double sum = 0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x) / kTemperature);
  for (size_t i = 0; i < logits.size(); ++i) {
    const double p = std::exp(static_cast<double>(logits[i]) / kTemperature) / sum;
    EXPECT_NEAR(counts[static_cast<int32_t>(i)], kDraws * p, 5 * std::sqrt(kDraws * p * (1 - p)) + 1) << i;
  }
}

TEST(Sampler, StagesKeepWhatTheySay) {
  const std::vector<float> logits = random_logits(3, 40);
  const auto best = static_cast<int32_t>(std::ranges::max_element(logits) - logits.begin());
  EXPECT_EQ(all_choices({.temperature = 1.0F, .top_k = 3}, logits).size(), 3U);
  for (const SamplingParams& narrow :
       {SamplingParams{.temperature = 1.0F, .top_k = 1}, SamplingParams{.temperature = 1.0F, .top_p = 0.0F},
        SamplingParams{.temperature = 1.0F, .min_p = 1.0F}, SamplingParams{.temperature = 0.0F}}) {
    EXPECT_EQ(all_choices(narrow, logits, 50), std::set{best});
  }
  // Each stage alone leaves at least one token, whatever its setting.
  for (const float share : {0.0F, 1e-6F, 0.3F, 0.999F, 1.0F}) {
    for (const SamplingParams& params :
         {SamplingParams{.temperature = 1.0F, .top_p = share}, SamplingParams{.temperature = 1.0F, .min_p = share},
          SamplingParams{.temperature = 1.0F, .typical_p = share},
          SamplingParams{.temperature = 1.0F, .xtc_probability = 1.0F, .xtc_threshold = share}}) {
      for (const int32_t token : all_choices(params, logits, 20)) EXPECT_GE(token, 0);
    }
  }
}

TEST(Sampler, XtcTakesAllButTheLeastLikelyOfTheTop) {
  const std::vector<float> logits{3.0F, 2.9F, 2.8F, -1.0F, -1.0F};  // about 0.36, 0.32, 0.29
  const auto chosen = all_choices({.temperature = 1.0F, .xtc_probability = 1.0F, .xtc_threshold = 0.1F}, logits);
  EXPECT_EQ(chosen, (std::set{2, 3, 4}));
}

TEST(Sampler, TiesGoToTheLowerId) {
  const std::vector<float> logits(9, 1.5F);
  EXPECT_EQ(Sampler({}, 9).sample(logits), 0);
  EXPECT_EQ(Sampler({.repetition_penalty = 1.1F}, 9).sample(logits), 0);
  EXPECT_EQ(all_choices({.temperature = 1.0F, .top_k = 2}, logits), (std::set{0, 1}));
}

TEST(Sampler, PenaltiesForgetWhatIsOutOfTheirWindow) {
  Sampler sampler({.presence_penalty = 100.0F, .penalty_last_n = 2}, 3);
  const std::vector<float> logits{3.0F, 2.0F, 1.0F};
  std::vector<int32_t> tokens;
  for (int i = 0; i < 6; ++i) {
    tokens.push_back(sampler.sample(logits));
    sampler.observe(tokens.back());
  }
  EXPECT_EQ(tokens, (std::vector<int32_t>{0, 1, 2, 0, 1, 2}));
}

// A model whose weights are damaged may give anything.
TEST(Sampler, LogitsThatAreNotFinite) {
  const std::vector<std::vector<float>> odd{{kNan, kNan, 1.0F, kNan},
                                            {kInfinity, 0.0F, kInfinity, kNan},
                                            {-kInfinity, -kInfinity, -2.0F, kNan},
                                            {3e38F, -3e38F, 0, 1},
                                            {-3e38F, -3.4e38F, -3e38F, -3.3e38F}};
  const std::vector<SamplingParams> settings{
      {},
      {.temperature = 1.0F},
      {.temperature = 1.0F, .top_k = 2},
      {.temperature = 0.1F, .top_p = 0.5F, .min_p = 0.1F, .typical_p = 0.5F, .xtc_probability = 1.0F},
      {.temperature = 1.0F, .repetition_penalty = 1.3F, .dry_multiplier = 1.0F},
      {.temperature = 1.0F, .mirostat = true}};
  for (const auto& logits : odd) {
    for (SamplingParams params : settings) {
      for (params.seed = 0; params.seed < 20; ++params.seed) {
        Sampler sampler(params, logits.size());
        sampler.observe(std::array<int32_t, 5>{2, 1, 2, 1, 2});
        const int32_t token = sampler.sample(logits);
        ASSERT_TRUE(token >= 0 && token < 4);
        ASSERT_FALSE(std::isnan(logits[static_cast<size_t>(token)]));
        ASSERT_GT(logits[static_cast<size_t>(token)], -kInfinity);
      }
    }
  }
  for (const float nothing : {kNan, -kInfinity}) {
    EXPECT_EQ(Sampler({}, 4).sample(std::vector<float>(4, nothing)), -1);
    EXPECT_EQ(Sampler({.temperature = 1.0F, .top_p = 0.5F}, 4).sample(std::vector<float>(4, nothing)), -1);
  }
}

// Sorting with NaN would read outside of the candidates; many of them among many tokens.
TEST(Sampler, NanAmongManyTokens) {
  std::vector<float> logits = random_logits(8, 5000);
  for (size_t i = 0; i < logits.size(); i += 3) logits[i] = kNan;
  for (const SamplingParams& params :
       {SamplingParams{.temperature = 1.0F}, SamplingParams{.temperature = 1.0F, .top_k = 40},
        SamplingParams{.temperature = 1.0F, .typical_p = 0.9F},
        SamplingParams{.temperature = 1.0F, .mirostat = true}}) {
    const int32_t token = Sampler(params, logits.size()).sample(logits);
    EXPECT_NE(token % 3, 0);
  }
}

TEST(Sampler, ALongRepetitionIsNotBanned) {
  Sampler sampler({.temperature = 1.0F, .dry_multiplier = 1.0F, .dry_base = 10.0F, .logit_bias = {{0, -kInfinity}}}, 2);
  for (int i = 0; i < 200; ++i) sampler.observe(1);
  EXPECT_EQ(sampler.sample(std::vector<float>{0.0F, 0.0F}), 1) << "the only token that is left";
}

TEST(Sampling, SenselessSettingsAreNamed) {
  const auto reason = [](const SamplingParams& params) {
    try {
      check(params, 10);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.message();
    }
    return std::string("none");
  };
  EXPECT_EQ(reason({}), "none");
  EXPECT_EQ(reason({.temperature = -1.0F}).find("temperature: "), 0U);
  EXPECT_EQ(reason({.temperature = kNan}).find("temperature: "), 0U);
  EXPECT_EQ(reason({.top_p = 1.5F}).find("top_p: "), 0U);
  EXPECT_EQ(reason({.min_p = -0.1F}).find("min_p: "), 0U);
  EXPECT_EQ(reason({.typical_p = kNan}).find("typical_p: "), 0U);
  EXPECT_EQ(reason({.repetition_penalty = 0.0F}).find("repeat_penalty: "), 0U);
  EXPECT_EQ(reason({.frequency_penalty = kInfinity}).find("frequency_penalty: "), 0U);
  EXPECT_EQ(reason({.dry_multiplier = -1.0F}).find("dry_multiplier: "), 0U);
  EXPECT_EQ(reason({.dry_breakers = {10}}).find("dry_breakers: "), 0U);
  EXPECT_EQ(reason({.xtc_probability = 2.0F}).find("xtc_probability: "), 0U);
  EXPECT_EQ(reason({.mirostat_eta = -1.0F}).find("mirostat_eta: "), 0U);
  EXPECT_EQ(reason({.logit_bias = {{-1, 0.0F}}}).find("logit_bias: "), 0U);
  EXPECT_EQ(reason({.logit_bias = {{1, kNan}}}).find("logit_bias: "), 0U);
  EXPECT_EQ(reason({.logit_bias = {{1, kInfinity}}}).find("logit_bias: "), 0U);
  EXPECT_EQ(reason({.logit_bias = {{1, -kInfinity}}}), "none");
}

}  // namespace
}  // namespace kinglet::engine
