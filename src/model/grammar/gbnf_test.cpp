#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/base.h"
#include "model/grammar/sample_vocabulary.h"

namespace kinglet::grammar {
namespace {

const SampleVocabulary& vocabulary() {
  static const SampleVocabulary v = sample_vocabulary({"abc"}, 10);
  return v;
}

bool takes(std::string_view grammar, std::string_view text) {
  return matches(Grammar::from_gbnf(grammar), vocabulary(), text);
}

TEST(Gbnf, TakesAndRefuses) {
  struct Case {
    std::string_view grammar;
    std::vector<std::string> taken;
    std::vector<std::string> refused;
  };
  const std::vector<Case> cases = {
      {"root ::= \"a\" | \"b\" \"c\"", {"a", "bc"}, {"", "b", "ac", "abc"}},
      {"root ::= \"a\"*", {"", "a", "aaaa"}, {"b", "ab"}},
      {"root ::= \"ab\"+ \"c\"?", {"ab", "abab", "ababc"}, {"", "c", "aab", "abcc"}},
      {"root ::= [a-c]{2}", {"ab", "cc"}, {"a", "abc", "ad"}},
      {"root ::= [^a-c]{1,2}", {"d", "\xE2\x82\xAC\x65"}, {"", "a", "ddd"}},
      {"root ::= \"x\"{2,}", {"xx", "xxxxx"}, {"x", ""}},
      {"root ::= . \"!\"", {"a!", "\xC3\xA9!", "\n!"}, {"!", "\xC3!", "ab!"}},
      {"root ::= \"\\x41\\u00e9\\U0001F600\\t\\\"\"", {"A\xC3\xA9\xF0\x9F\x98\x80\t\""}, {"A"}},
      {"root ::= [\\]\\\\-]+", {"]", "\\", "-", "]-"}, {"[", "a"}},
      {"# a comment\nroot ::= item # here\n  \nitem ::= (\n  \"a\" |\n  \"b\"\n)+\n", {"a", "ba"}, {"", "c"}},
      {"root ::= list\nlist ::= \"(\" (list (\",\" list)*)? \")\"", {"()", "((),(()))"}, {"(", "(()", "(,)"}},
      {"root ::= root \"a\" | \"b\"", {"b", "baaa"}, {"", "a", "ab"}},
      {"root ::= \"\" | root \"ab\"", {"", "ab", "abab"}, {"a", "ba"}},
      {"root ::= e\ne ::= e \"+\" e | e \"*\" e | \"(\" e \")\" | [0-9]",
       {"1", "1+2*3", "(1+2)*(3)"},
       {"1+", "+1", "(1"}},
      {"root ::= s\ns ::= s s | \"a\"", {"a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, {"", "b", "ab"}},
      {"root ::= opt \"x\" opt\nopt ::= \"-\"?", {"x", "-x", "x-", "-x-"}, {"--x", "-"}},
      {"root ::= a\na ::= b a | \"!\"\nb ::= \"b\" | c\nc ::= \"\" \"c\"", {"!", "bc!", "cb!"}, {"b", "bc"}},
      {"root ::= a | dead\na ::= \"a\" | dead a\ndead ::= \"x\" dead", {"a"}, {"x", "xa", "xx"}},
  };
  for (const Case& c : cases) {
    for (const std::string& text : c.taken) EXPECT_TRUE(takes(c.grammar, text)) << c.grammar << "\n" << text;
    for (const std::string& text : c.refused) EXPECT_FALSE(takes(c.grammar, text)) << c.grammar << "\n" << text;
  }
}

TEST(Gbnf, ErrorsNameTheLineOrTheLimit) {
  struct Case {
    std::string grammar;
    std::string_view message;
  };
  const std::vector<Case> cases = {
      {"", "rule root is not defined"},
      {"root = \"a\"", "line 1: ::= is expected"},
      {"root ::= \"a\"\n\nx ::= y", "line 3: rule y is not defined"},
      {"root ::= \"a", "ends within"},
      {"root ::= [a", "ends within"},
      {"root ::= (\"a\"", ") is expected"},
      {"root ::= \"a\" )", "the end of a rule is expected"},
      {"root ::= *", "something is expected before *"},
      {"root ::= \"a\"{3,2}", "ends below its begin"},
      {"root ::= [b-a]", "ends below its begin"},
      {"root ::= \"\\q\"", "escape that is not known"},
      {"root ::= \"\\ud800\"", "no character"},
      {"root ::= <think>", "token <think> is not known"},
      {"root ::= \"a\"{999999999}", "limit of repetition"},
      {"root ::= ((\"a\"{1000}){1000}){1000}", "limit"},
      {"root ::= \xFF", "no UTF-8"},
      {"root ::= a\na ::= b \"x\"\nb ::= a \"y\" | \"z\"", "begins with itself"},
      {"root ::= root \"a\"", "no text matches"},
      {"root ::= " + std::string(1000, '(') + "\"a\"" + std::string(1000, ')'), "limit of nesting"},
  };
  for (const Case& c : cases) {
    try {
      (void)Grammar::from_gbnf(c.grammar);
      ADD_FAILURE() << c.grammar;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_THAT(error.message(), testing::HasSubstr(c.message));
    }
  }
}

TEST(Gbnf, TokensByName) {
  const GbnfOptions options{.token_of = [](std::string_view name) {
    return name == "<think>" ? std::optional<int32_t>(vocabulary().controls[1]) : std::nullopt;
  }};
  Matcher matcher(Grammar::from_gbnf("root ::= <think> \"a\"", options), vocabulary().trie);
  EXPECT_FALSE(matcher.accept('a'));
  ASSERT_TRUE(matcher.accept(vocabulary().controls[1]));
  ASSERT_TRUE(matcher.accept('a'));
  EXPECT_TRUE(matcher.can_end());
}

}  // namespace
}  // namespace kinglet::grammar
