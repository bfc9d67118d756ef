#include "front/serve/access/access.h"

#include <gtest/gtest.h>

#include <fstream>

#include "core/base/error.h"
#include "home/system/file.h"
#include "home/system/scratch_folder.h"

namespace kinglet::serve::access {
namespace {

using std::chrono::seconds;

class AccessTest : public testing::Test {
 protected:
  system::ScratchFolder folder{"access"};
  const std::string path = folder.path() + "/keys.json";
  const Access::Clock::time_point start{};

  static unsigned refused(const Access& access, std::optional<std::string_view> authorization,
                          std::optional<std::string_view> api_key = {}) {
    const auto caller = access.identify(authorization, api_key);
    return caller ? 0 : caller.error().status;
  }
  static Caller caller_of(const Access& access, const std::string& key) {
    return access.identify("Bearer " + key, {}).take();
  }
};

TEST_F(AccessTest, KnowsItsKeysAndNoOthers) {
  const std::string first = add_key(path, "first", {});
  const std::string second = add_key(path, "second", {});
  EXPECT_NE(first, second);
  EXPECT_EQ(first.size(), 67U);
  const Access access(path);
  EXPECT_EQ(caller_of(access, first)->name, "first");
  EXPECT_EQ(access.identify("bearer   " + second, {}).take()->name, "second");
  EXPECT_EQ(access.identify({}, second).take()->name, "second");
  EXPECT_EQ(refused(access, {}), 401U);
  for (const std::string& wrong :
       std::vector<std::string>{"", first, "Bearer", "Bearer ", "Basic " + first, "Bearer " + first + "0",
                                "Bearer " + first.substr(0, 66), "Bearer KL" + first.substr(2), "Bearer x " + first}) {
    EXPECT_EQ(refused(access, wrong), 401U) << wrong;
  }
  // Who sends a wrong one is not let in by another.
  EXPECT_EQ(refused(access, "Bearer x", first), 401U);
}

TEST_F(AccessTest, TheFileHasNoKeyInIt) {
  const std::string key = add_key(path, "ci", {.models = {"a*"}, .manage = true, .requests_per_minute = 5});
  const std::string text = system::read_small_file(path);
  EXPECT_EQ(text.find(key), std::string::npos);
  EXPECT_EQ(text.find(key.substr(3)), std::string::npos);
  EXPECT_EQ(text.find(system::Sha256::of(key).hex()), std::string::npos) << "it is salted";
  const std::vector<Key> keys = read_keys(path);
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_EQ(keys[0].grant.models, std::vector<std::string>{"a*"});
  EXPECT_TRUE(keys[0].grant.manage);
  EXPECT_EQ(keys[0].grant.requests_per_minute, 5U);
}

TEST_F(AccessTest, KeysComeAndGoWhileItRuns) {
  const std::string first = add_key(path, "first", {});
  Access access(path);
  const std::string second = add_key(path, "second", {});
  EXPECT_EQ(refused(access, "Bearer " + second), 401U);
  access.reload();
  EXPECT_EQ(refused(access, "Bearer " + second), 0U);
  remove_key(path, "first");
  access.reload();
  EXPECT_EQ(refused(access, "Bearer " + first), 401U);
  std::ofstream(path) << "{";
  EXPECT_THROW(access.reload(), Error);
  EXPECT_EQ(refused(access, "Bearer " + second), 0U);
}

TEST_F(AccessTest, RefusesNamesThatCannotBe) {
  add_key(path, "ci", {});
  EXPECT_THROW(add_key(path, "ci", {}), Error);
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("a/b"), std::string("caf\xc3\xa9"), std::string(65, 'a')}) {
    EXPECT_THROW(add_key(path, name, {}), Error) << name;
  }
  EXPECT_THROW(remove_key(path, "other"), Error);
  EXPECT_THROW(Access(folder.path() + "/none"), Error);
}

TEST_F(AccessTest, RefusesFilesThatSayWhatTheyMayNot) {
  const std::string salt(32, '0');
  const std::string sum = system::Sha256::of("x").to_string();
  const auto file = [&](const std::string& entry) { return R"({"keys": [)" + entry + "]}"; };
  const std::string sound = R"("name": "a", "salt": ")" + salt + R"(", "sha256": ")" + sum + '"';
  std::ofstream(path) << file("{" + sound + "}");
  EXPECT_EQ(read_keys(path).size(), 1U);
  const std::vector<std::string> bad = {"",
                                        "[]",
                                        "{\"key\": []}",
                                        "{\"keys\": {}}",
                                        file("1"),
                                        file("{}"),
                                        file(R"({"name": "a"})"),
                                        file(R"({"name": "a", "salt": "00", "sha256": ")" + sum + "\"}"),
                                        file(R"({"name": "a", "salt": ")" + salt + R"(", "sha256": "sha256:00"})"),
                                        file("{" + sound + R"(, "model": ["a"]})"),
                                        file("{" + sound + R"(, "models": "a"})"),
                                        file("{" + sound + R"(, "requests_per_minute": -1})"),
                                        file("{" + sound + R"(, "manage": 1})"),
                                        file("{" + sound + "}, {" + sound + "}")};
  for (const std::string& text : bad) {
    std::ofstream(path) << text;
    try {
      static_cast<void>(read_keys(path));
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidFile) << text;
    }
  }
}

TEST_F(AccessTest, KeepsAKeyToItsModels) {
  const std::string some = add_key(path, "some", {.models = {"smollm2:*", "*qwen*:0.6b"}});
  const std::string all = add_key(path, "all", {});
  const Access access(path);
  for (const std::string_view model : {"smollm2:135m", "smollm2:", "qwen3:0.6b", "hf.co/a/qwen:0.6b"}) {
    EXPECT_FALSE(may_use(caller_of(access, some), model)) << model;
  }
  for (const std::string_view model : {"smollm2", "xsmollm2:135m", "qwen3:1.7b", ""}) {
    EXPECT_EQ(may_use(caller_of(access, some), model)->status, 403U) << model;
    EXPECT_FALSE(may_use(caller_of(access, all), model)) << model;
  }
}

TEST_F(AccessTest, CVE_2025_63389_AskingModelsIsNoRightToManageThem) {
  const std::string user = add_key(path, "user", {});
  const std::string owner = add_key(path, "owner", {.manage = true});
  const Access access(path);
  EXPECT_EQ(may_manage(caller_of(access, user))->status, 403U);
  EXPECT_FALSE(may_manage(caller_of(access, owner)));
}

TEST_F(AccessTest, LimitsRequestsPerMinute) {
  const std::string key = add_key(path, "ci", {.requests_per_minute = 3});
  const std::string free = add_key(path, "free", {});
  Access access(path);
  const Caller caller = caller_of(access, key);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(access.admit(caller, start));
  const auto denial = access.admit(caller, start);
  EXPECT_EQ(denial->status, 429U);
  EXPECT_EQ(denial->retry_after_s, 20U);
  EXPECT_TRUE(access.admit(caller, start + seconds(19)));
  EXPECT_FALSE(access.admit(caller, start + seconds(20)));
  EXPECT_TRUE(access.admit(caller, start + seconds(20)));
  // A reload gives nothing back, an hour no more than a minute's worth.
  access.reload();
  EXPECT_TRUE(access.admit(caller_of(access, key), start + seconds(20)));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(access.admit(caller, start + seconds(3600)));
  EXPECT_TRUE(access.admit(caller, start + seconds(3600)));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(access.admit(caller_of(access, free), start));
}

TEST_F(AccessTest, LimitsTokensPerMinuteBehindTheFact) {
  const std::string key = add_key(path, "ci", {.tokens_per_minute = 600});
  Access access(path);
  const Caller caller = caller_of(access, key);
  EXPECT_FALSE(access.admit(caller, start));
  access.charge(caller, 1000, start);
  const auto denial = access.admit(caller, start);
  EXPECT_EQ(denial->status, 429U);
  EXPECT_EQ(denial->retry_after_s, 41U);  // 401 tokens at 10 a second.
  EXPECT_TRUE(access.admit(caller, start + seconds(40)));
  EXPECT_FALSE(access.admit(caller, start + seconds(41)));
}

TEST(Fits, TakesStarsForAnyCharacters) {
  EXPECT_TRUE(fits("*", ""));
  EXPECT_TRUE(fits("a*b*c", "axxbxbc"));
  EXPECT_TRUE(fits("**a**", "a"));
  EXPECT_FALSE(fits("", "a"));
  EXPECT_FALSE(fits("a", ""));
  EXPECT_FALSE(fits("a*b", "ab c"));
  // Not exponential.
  EXPECT_FALSE(fits("*a*a*a*a*a*a*a*a*a*a*b", std::string(2000, 'a')));
}

}  // namespace
}  // namespace kinglet::serve::access
