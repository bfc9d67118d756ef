#include "home/store/model_name.h"

#include <gtest/gtest.h>

#include <tuple>

#include "core/base/base.h"

namespace kinglet::store {
namespace {

TEST(ModelName, ReadsShortForms) {
  const std::vector<std::tuple<std::string, std::string, std::string>> rows = {
      // typed, all parts, shortest
      {"smollm2", "registry.ollama.ai/library/smollm2:latest", "smollm2:latest"},
      {"smollm2:135m", "registry.ollama.ai/library/smollm2:135m", "smollm2:135m"},
      {"me/model", "registry.ollama.ai/me/model:latest", "me/model:latest"},
      {"registry.ollama.ai/library/x:1", "registry.ollama.ai/library/x:1", "x:1"},
      {"https://registry.ollama.ai/library/x:1", "registry.ollama.ai/library/x:1", "x:1"},
      {"hf.co/User/Repo-1.5:Q4_K_M", "hf.co/User/Repo-1.5:Q4_K_M", "hf.co/User/Repo-1.5:Q4_K_M"},
      {"https://HuggingFace.co/User/Repo", "hf.co/User/Repo:latest", "hf.co/User/Repo:latest"},
      {"127.0.0.1:5000/x", "127.0.0.1:5000/library/x:latest", "127.0.0.1:5000/library/x:latest"},
      {"localhost/me/x:2", "localhost/me/x:2", "localhost/me/x:2"},
      {"http://example.org/a/b", "example.org/a/b:latest", "http://example.org/a/b:latest"},
      {"http://example.org/library/b", "example.org/library/b:latest", "http://example.org/library/b:latest"},
      {"https://127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b:latest", "https://127.0.0.1:5000/a/b:latest"},
      {"example.org:8080/a/b_c:v1.0", "example.org:8080/a/b_c:v1.0", "example.org:8080/a/b_c:v1.0"},
  };
  for (const auto& [typed, full, shortest] : rows) {
    const ModelName name = ModelName::parse(typed);
    EXPECT_EQ(name.full(), full) << typed;
    EXPECT_EQ(name.to_string(), shortest) << typed;
    const ModelName again = ModelName::parse(name.to_string());
    EXPECT_EQ(again, name) << typed;
    EXPECT_EQ(again.plain_http, name.plain_http) << typed;
  }
}

TEST(ModelName, PlainHttpIsForLoopbackAndThoseWhoAskForIt) {
  EXPECT_FALSE(ModelName::parse("x").plain_http);
  EXPECT_FALSE(ModelName::parse("example.org/a/b").plain_http);
  EXPECT_TRUE(ModelName::parse("http://example.org/a/b").plain_http);
  EXPECT_TRUE(ModelName::parse("127.0.0.1:5000/a/b").plain_http);
  EXPECT_TRUE(ModelName::parse("localhost:5000/a/b").plain_http);
  EXPECT_FALSE(ModelName::parse("https://127.0.0.1:5000/a/b").plain_http);
  EXPECT_FALSE(ModelName::parse("127.evil.example/a/b").plain_http);
}

TEST(ModelName, RefusesTricks) {
  for (const std::string text : {"",
                                 ":",
                                 "a:",
                                 ":b",
                                 "/",
                                 "a/",
                                 "/a",
                                 "a//b",
                                 "a/b/c/d",
                                 "..",
                                 "../a",
                                 "a/..",
                                 "../../etc/passwd",
                                 "a/../b",
                                 ".a",
                                 "-a",
                                 "a/.b",
                                 "a:..",
                                 "a:.x",
                                 "a:b/c",
                                 "a:/c",
                                 "a:1:2/c",
                                 "a:123456/c",
                                 "a:b:c",
                                 "a b",
                                 "a\tb",
                                 "a\nb",
                                 "a%2e",
                                 "a\\b",
                                 "a~b",
                                 "ä",
                                 "a@sha256:00",
                                 "http://",
                                 "http:///a",
                                 "ftp://a/b/c",
                                 "host/a/b:x.part",
                                 "a?b",
                                 "a#b",
                                 "a*",
                                 "$(a)",
                                 "a;b"}) {
    EXPECT_THROW(static_cast<void>(ModelName::parse(text)), Error) << text;
  }
  EXPECT_THROW(static_cast<void>(ModelName::parse(std::string("a\0b", 3))), Error);
  EXPECT_THROW(static_cast<void>(ModelName::parse(std::string(129, 'a'))), Error);
  EXPECT_NO_THROW(static_cast<void>(ModelName::parse(std::string(128, 'a'))));
}

TEST(ModelName, LettersOfBothCasesAreAlike) {
  EXPECT_EQ(ModelName::parse("SmolLM2:135M"), ModelName::parse("smollm2:135m"));
  EXPECT_FALSE(ModelName::parse("smollm2:135m") == ModelName::parse("smollm2:360m"));
}

TEST(ModelName, PathsAreRecognized) {
  for (const std::string_view text : {"./a", "../a", "/a", "~/a", "a.gguf", ".", "..", "a/b.gguf"}) {
    EXPECT_TRUE(is_path(text)) << text;
  }
  for (const std::string_view text : {"a", "a/b", "a:b", "hf.co/a/b", ".a"}) EXPECT_FALSE(is_path(text)) << text;
}

}  // namespace
}  // namespace kinglet::store
