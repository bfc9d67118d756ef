// The sampler chain beside plain Python from the published definitions (tools/make_sampler_goldens): the same tokens
// for the same seeds, stage by stage and together.
#include <gtest/gtest.h>

#include <charconv>
#include <cstdlib>
#include <limits>
#include <sstream>

#include "home/system/file.h"
#include "home/system/json.h"
#include "run/engine/sampler.h"

namespace kinglet::tests {
namespace {

using system::Json;

engine::SamplingParams read_settings(const Json& settings) {
  engine::SamplingParams params;
  for (const auto& [name, value] : settings.as_object("settings")) {
    const auto number = [&, of = &value] { return static_cast<float>(of->as_number(name)); };
    const auto count = [&, of = &value] { return of->as_integer(name); };
    if (name == "temperature") {
      params.temperature = number();
    } else if (name == "top_k") {
      params.top_k = static_cast<uint32_t>(count());
    } else if (name == "top_p") {
      params.top_p = number();
    } else if (name == "min_p") {
      params.min_p = number();
    } else if (name == "typical_p") {
      params.typical_p = number();
    } else if (name == "repetition_penalty") {
      params.repetition_penalty = number();
    } else if (name == "frequency_penalty") {
      params.frequency_penalty = number();
    } else if (name == "presence_penalty") {
      params.presence_penalty = number();
    } else if (name == "penalty_last_n") {
      params.penalty_last_n = static_cast<int32_t>(count());
    } else if (name == "dry_multiplier") {
      params.dry_multiplier = number();
    } else if (name == "dry_base") {
      params.dry_base = number();
    } else if (name == "dry_allowed_length") {
      params.dry_allowed_length = static_cast<uint32_t>(count());
    } else if (name == "dry_last_n") {
      params.dry_last_n = static_cast<int32_t>(count());
    } else if (name == "dry_breakers") {
      for (const Json& token : value.as_array(name))
        params.dry_breakers.push_back(static_cast<int32_t>(token.as_integer(name)));
    } else if (name == "xtc_probability") {
      params.xtc_probability = number();
    } else if (name == "xtc_threshold") {
      params.xtc_threshold = number();
    } else if (name == "mirostat") {
      params.mirostat = value.as_bool(name);
    } else if (name == "mirostat_tau") {
      params.mirostat_tau = number();
    } else if (name == "mirostat_eta") {
      params.mirostat_eta = number();
    } else if (name == "logit_bias") {
      for (const Json& pair : value.as_array(name)) {
        const auto& entry = pair.as_array(name);
        const float bias =
            entry[1].is_null() ? -std::numeric_limits<float>::infinity() : static_cast<float>(entry[1].as_number(name));
        params.logit_bias.emplace_back(static_cast<int32_t>(entry[0].as_integer(name)), bias);
      }
    } else {
      ADD_FAILURE() << "the golden file has a setting that this test does not know: " << name;
    }
  }
  return params;
}

uint64_t read_seed(const std::string& text) {
  uint64_t seed = 0;
  std::from_chars(text.data(), text.data() + text.size(), seed);
  return seed;
}

TEST(SamplerGoldens, ChooseTheSameTokens) {
  const char* source = std::getenv("KINGLET_SOURCE");
  if (source == nullptr) GTEST_SKIP() << "KINGLET_SOURCE does not name the source tree";
  std::istringstream lines(system::read_file(str(source, "/tests/golden/engine/sampler.jsonl"), 1 << 22));
  std::string line;
  size_t n_cases = 0;
  size_t n_tokens = 0;
  while (std::getline(lines, line)) {
    const Json of = Json::parse(line, "sampler.jsonl");
    const std::string& name = of.at("name").as_string("name");
    engine::SamplingParams params = read_settings(of.at("settings"));
    const auto& steps = of.at("steps").as_array("steps");
    const auto& seeds = of.at("seeds").as_array("seeds");
    for (size_t i = 0; i < seeds.size(); ++i) {
      params.seed = read_seed(seeds[i].as_string("seed"));
      const size_t vocab_size = steps[0].at("logits").as_array("logits").size();
      engine::check(params, vocab_size);
      engine::Sampler sampler(params, vocab_size);
      for (const Json& token : of.at("history").as_array("history"))
        sampler.observe(static_cast<int32_t>(token.as_integer("id")));
      for (size_t step = 0; step < steps.size(); ++step) {
        std::vector<float> logits;
        for (const Json& x : steps[step].at("logits").as_array("logits"))
          logits.push_back(static_cast<float>(x.as_number("logit")));
        const int64_t want = steps[step].at("wants").as_array("wants")[i].as_integer("want");
        ASSERT_EQ(sampler.sample(logits), want) << name << ", seed " << params.seed << ", step " << step;
        if (want >= 0) sampler.observe(static_cast<int32_t>(want));
        ++n_tokens;
      }
    }
    ++n_cases;
  }
  EXPECT_GE(n_cases, 45U);
  EXPECT_GE(n_tokens, 1500U);
}

}  // namespace
}  // namespace kinglet::tests
