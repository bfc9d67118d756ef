#include "home/system/toml.h"

#include <gtest/gtest.h>

#include "home/system/test_failure.h"

namespace kinglet::system {
namespace {

TEST(Toml, BecomesJson) {
  const Json got = parse_toml(
      "port = 8080\nhost = \"::1\"\nshare = 0.5\non = true\nsince = 2026-01-02\nnames = [\"a\", \"b\"]\n[limits]\nbody "
      "= "
      "\"64M\"\n[[key]]\nname = \"x\"\n",
      "test");
  EXPECT_EQ(got.at("port").as_integer("x"), 8080);
  EXPECT_EQ(got.at("host").as_string("x"), "::1");
  EXPECT_EQ(got.at("share").as_number("x"), 0.5);
  EXPECT_TRUE(got.at("on").as_bool("x"));
  EXPECT_EQ(got.at("since").as_string("x"), "2026-01-02");
  EXPECT_EQ(got.at("names").dump(), R"(["a","b"])");
  EXPECT_EQ(got.at("limits").dump(), R"({"body":"64M"})");
  EXPECT_EQ(got.at("key").dump(), R"([{"name":"x"}])");
}

TEST(Toml, SaysWhereItIsWrong) {
  const Error error = failure([] { parse_toml("a = 1\nb = = 2\n", "kinglet.toml"); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(error.message().substr(0, 22), "kinglet.toml: line 2, ");
  EXPECT_EQ(failure([] { parse_toml("a = 1\na = 2\n", "x"); }).code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace kinglet::system
