#include "front/cli/arguments.h"

#include <gtest/gtest.h>

#include "core/base/base.h"

namespace kinglet::cli {
namespace {

class ArgumentsTest : public testing::Test {
 protected:
  void SetUp() override {
    arguments.argument("MODEL", model, "A model");
    arguments.rest("WORD", words, "Words");
    arguments.flag("-j,--json", json, "JSON");
    arguments.option("-n,--count", "N", count, "A number");
    arguments.option("--share", "X", share, "Another");
    arguments.option("--stop", "TEXT", stop, "Where to stop");
    arguments.option("--depth", "N,...", depth, "A list");
    arguments.option("--kind", "NAME", kind, "A word").choices = {"f16", "f32"};
  }
  void parse(std::vector<std::string> line) { arguments.parse(line, "test"); }
  std::string failure(std::vector<std::string> line) {
    try {
      parse(std::move(line));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.message();
    }
    return "none";
  }

  Arguments arguments;
  std::string model;
  std::vector<std::string> words;
  bool json = false;
  std::optional<uint64_t> count;
  std::optional<double> share;
  std::vector<std::string> stop;
  std::vector<uint64_t> depth;
  std::optional<std::string> kind;
};

TEST_F(ArgumentsTest, OptionsAndArgumentsInAnyOrder) {
  parse({"--stop", "a", "m", "-n", "3", "one", "--json", "--stop=b", "two", "--share", "-1.5", "--depth", "1,20,3",
         "--kind", "f32"});
  EXPECT_EQ(model, "m");
  EXPECT_EQ(words, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(depth, (std::vector<uint64_t>{1, 20, 3}));
  EXPECT_TRUE(json);
  EXPECT_EQ(count, 3U);
  EXPECT_EQ(share, -1.5);
  EXPECT_EQ(kind, "f32");
}

TEST_F(ArgumentsTest, TheLastOfTwoCountsAndNothingIsAnOptionBehindTheMark) {
  parse({"m", "-n", "3", "--count", "4", "--", "--json", "-n"});
  EXPECT_EQ(count, 4U);
  EXPECT_FALSE(json);
  EXPECT_EQ(words, (std::vector<std::string>{"--json", "-n"}));
}

TEST_F(ArgumentsTest, WhatIsWrongIsNamed) {
  EXPECT_EQ(failure({}), "test: MODEL is missing; usage: kinglet test MODEL [WORD...]");
  EXPECT_EQ(failure({"m", "--count", "many"}), "--count: many is not a whole number");
  EXPECT_EQ(failure({"m", "-n", "-1"}), "--count: -1 is not a whole number");
  EXPECT_EQ(failure({"m", "-n", "99999999999999999999"}), "--count: 99999999999999999999 is not a whole number");
  EXPECT_EQ(failure({"m", "--share", "nan"}), "--share: nan is not a number");
  EXPECT_EQ(failure({"m", "--depth", "1,,2"}), "--depth: nothing is not a whole number");
  EXPECT_EQ(failure({"m", "--kind", "q4"}), "--kind: q4 is not one of f16, f32");
  EXPECT_EQ(failure({"m", "--cout", "1"}), "--cout: no such option of `kinglet test`; did you mean --count?");
  EXPECT_EQ(failure({"m", "--count"}), "--count: needs a value");
}

TEST_F(ArgumentsTest, AnOptionIsNoValueOfAnother) {
  EXPECT_EQ(failure({"m", "-n", "--json"}),
            "-n: needs a value, and --json is an option; --count=--json takes it as text");
  EXPECT_EQ(failure({"m", "--stop", "--kind=f16"}),
            "--stop: needs a value, and --kind=f16 is an option; --stop=--kind=f16 takes it as text");
  EXPECT_EQ(failure({"m", "--stop", "--", "x"}),
            "--stop: needs a value, and -- is an option; --stop=-- takes it as text");
  parse({"m", "--stop=--json", "--stop", "--no-option", "--stop", "-"});
  EXPECT_EQ(stop, (std::vector<std::string>{"--json", "--no-option", "-"}));
  EXPECT_FALSE(json);
}

}  // namespace
}  // namespace kinglet::cli
