#include "run/chat/settings.h"

#include <gtest/gtest.h>

namespace kinglet::chat {
namespace {

system::Json parsed(const char* text) { return system::Json::parse(text, "parameters"); }

TEST(Settings, LayersLaterOnesWin) {
  Settings settings;
  EXPECT_FLOAT_EQ(settings.sampling.temperature, 0.8F);
  format::Metadata metadata("file");
  metadata.set("general.sampling.temp", 0.6F);
  metadata.set("general.sampling.top_k", 20);
  metadata.set("general.sampling.top_p", 0.95F);
  settings.take(metadata);
  EXPECT_FLOAT_EQ(settings.sampling.temperature, 0.6F);
  EXPECT_EQ(settings.sampling.top_k, 20U);
  settings.take(parsed(R"({"temperature": 0.1, "stop": ["a", "b"], "num_ctx": 100, "seed": 7})"));
  EXPECT_FLOAT_EQ(settings.sampling.temperature, 0.1F);
  EXPECT_FLOAT_EQ(settings.sampling.top_p, 0.95F);
  EXPECT_EQ(settings.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(settings.context_len, 100U);
  EXPECT_EQ(settings.seed, 7U);
  EXPECT_EQ(settings.changed().dump(),
            R"({"temperature":0.1,"top_k":20,"top_p":0.95,"seed":7,"num_ctx":100,"stop":["a","b"]})");
}

TEST(Settings, WhatAFileMayRecommend) {
  Settings settings;
  format::Metadata metadata("file");
  for (const char* name : {"temp", "top_p", "min_p", "penalty_repeat", "xtc_probability", "xtc_threshold",
                           "mirostat_tau", "mirostat_eta"}) {
    metadata.set(str("general.sampling.", name), 0.25F);
  }
  for (const char* name : {"top_k", "penalty_last_n", "mirostat"}) metadata.set(str("general.sampling.", name), 2);
  settings.take(metadata);
  EXPECT_EQ(
      settings.changed().dump(),
      R"({"temperature":0.25,"top_k":2,"top_p":0.25,"min_p":0.25,"repeat_penalty":0.25,"mirostat":2,)"
      R"("mirostat_tau":0.25,"mirostat_eta":0.25,"xtc_probability":0.25,"xtc_threshold":0.25,"repeat_last_n":2})");
}

TEST(Settings, EachCanBeSetAndIsSaidBack) {
  for (const SettingRow& row : setting_rows()) {
    Settings settings;
    if (row.name == "stop") {
      settings.set_text(row.name, "###");
    } else {
      settings.set_text(row.name, row.name == "mirostat" ? "2" : row.name == "xtc_threshold" ? "0.3" : "3");
    }
    const system::Json changed = settings.changed();
    EXPECT_NE(changed.find(row.name), nullptr) << row.name;
    Settings again;
    EXPECT_TRUE(again.take(changed).empty());
    EXPECT_EQ(again.changed().dump(), changed.dump());
  }
}

TEST(Settings, LimitsMayBeTakenAway) {
  Settings settings;
  settings.take(parsed(R"({"seed": 3, "num_predict": 5, "num_ctx": 9, "repeat_last_n": 4})"));
  settings.take(parsed(R"({"seed": -1, "num_predict": -1, "num_ctx": 0, "repeat_last_n": -1})"));
  EXPECT_FALSE(settings.seed || settings.max_tokens || settings.context_len);
  EXPECT_EQ(settings.sampling.penalty_last_n, -1);
}

TEST(Settings, WhatIsNotKnownIsSaid) {
  Settings settings;
  EXPECT_EQ(settings.take(parsed(R"({"warmth": 1, "num_gpu": 99, "top_k": 3})")), (std::vector<std::string>{"warmth"}));
  EXPECT_EQ(settings.sampling.top_k, 3U);
  EXPECT_TRUE(settings.take(system::Json()).empty());
  for (const auto& [name, text] : {std::pair("warmth", "1"),
                                   {"temperature", "hot"},
                                   {"temperature", ""},
                                   {"top_k", "-1"},
                                   {"top_k", "1.5"},
                                   {"mirostat", "1"},
                                   {"seed", "nan"},
                                   {"num_ctx", "99999999999"}}) {
    EXPECT_THROW(settings.set_text(name, text), Error) << name << ' ' << text;
  }
  try {
    settings.set_text("warmth", "high");
    FAIL();
  } catch (const Error& error) {
    EXPECT_TRUE(error.message().starts_with("warmth: no such parameter; there are temperature, ")) << error.message();
  }
}

}  // namespace
}  // namespace kinglet::chat
