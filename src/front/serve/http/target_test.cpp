#include "front/serve/http/target.h"

#include <gtest/gtest.h>

#include "front/serve/http/message.h"

namespace kinglet::serve::http {
namespace {

std::string path_of(std::string_view target) {
  auto parsed = parse_target("GET", target);
  return parsed ? parsed.value().path : "refused: " + parsed.error().message;
}

TEST(Target, SplitsAndDecodes) {
  EXPECT_EQ(path_of("/"), "/");
  EXPECT_EQ(path_of("/a/b%20c"), "/a/b c");
  EXPECT_EQ(path_of("/v1/models/hf.co%2Fa%2Fb:Q4_K_M"), "/v1/models/hf.co/a/b:Q4_K_M");
  EXPECT_EQ(path_of("/%F0%9F%90%A6"), "/\xF0\x9F\x90\xA6");
  EXPECT_EQ(path_of("/a+b"), "/a+b");
  EXPECT_EQ(path_of("//a//"), "//a//");
  EXPECT_EQ(path_of("/..a/b../...%2e/x"), "/..a/b../..../x");
  const Target target = parse_target("GET", "/a?b=%2e%2e/../&c?d").take();
  EXPECT_EQ(target.path, "/a");
  EXPECT_EQ(target.query, "b=%2e%2e/../&c?d");
}

TEST(Target, TakesAbsoluteOnesWithTheirHost) {
  const Target target = parse_target("GET", "http://Example.com:80/a?b").take();
  EXPECT_EQ(target.authority, "Example.com:80");
  EXPECT_EQ(target.path, "/a");
  EXPECT_EQ(target.query, "b");
  EXPECT_EQ(parse_target("GET", "https://x").take().path, "/");
  EXPECT_EQ(parse_target("GET", "http://x?a").take().query, "a");
}

TEST(Target, TakesAStarOfOptionsAlone) {
  EXPECT_EQ(parse_target("OPTIONS", "*").take().path, "*");
  EXPECT_FALSE(parse_target("GET", "*"));
}

TEST(Target, RefusesWhatMightMeanSomethingElse) {
  for (const std::string_view target :
       {"a",         "localhost:80", "ftp://x/",   "http://",       "http:///a", "/a#b", "/%",
        "/%a",       "/%zz",         "/a%0",       "/%00",          "/a%0d%0ab", "/%7f", "/%1b",
        "/%ff",      "/%c0%af",      "/%ed%a0%80", "/%f4%90%80%80", "/%c3",      "/..",  "/../a",
        "/a/..",     "/a/../b",      "/%2e%2e/a",  "/a/%2e%2E%2fb", "/a%2f..",   "/./a", "/a/%2e",
        "/a\\..\\b", "/a%5cb",       "/\xc3\xa9",  "/a\x01"}) {
    EXPECT_TRUE(path_of(target).starts_with("refused: ")) << target;
    EXPECT_EQ(parse_target("GET", target).error().status, 400U) << target;
  }
}

TEST(Target, FindsParameters) {
  const Request request{.method = "GET",
                        .path = "/",
                        .query = "a=1&b=two+words%21&c&a=2&%64=e&bad=%zz&nul=%00&latin=%e9",
                        .headers = {},
                        .body = {},
                        .sink = {},
                        .peer = {},
                        .id = {}};
  EXPECT_EQ(request.parameter("a"), "1");
  EXPECT_EQ(request.parameter("b"), "two words!");
  EXPECT_EQ(request.parameter("c"), "");
  EXPECT_EQ(request.parameter("d"), "e");
  for (const std::string_view name : {"x", "bad", "nul", "latin"}) EXPECT_FALSE(request.parameter(name)) << name;
}

}  // namespace
}  // namespace kinglet::serve::http
