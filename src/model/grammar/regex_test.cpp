#include "model/grammar/regex.h"

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the empty function within a state of std::regex for one that is not initialized (its bug 105562).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "core/base/base.h"
#include "core/base/philox.h"
#include "model/grammar/json_rules.h"

namespace kinglet::grammar {
namespace {

// The standard library's ECMAScript expressions judge, in ASCII.
TEST(Regex, FindsWhatTheStandardLibraryFinds) {
  const std::vector<std::string> patterns = {
      "^abc$",
      "abc",
      "^a",
      "c$",
      "a|bc",
      "^(a|b)*c+$",
      "^a{2,3}$",
      "a{2}b?",
      "^[a-c]+$",
      "[^ab]",
      "^\\d+(\\.\\d+)?$",
      "\\w\\s\\w",
      "^(?:ab|ba)+$",
      "^$",
      "(^a|b$)",
      "^[\\]\\-a]$",
      "^(a(b(c)?)?)?$",
      "a.c",
      "^(?=a)[abc]+$",
      "^(?!ab)[abc]*$",
      "^a*?b+?$",
      "b{0,2}$",
      "^a{0}b$",
      "[\\d\\sab]{2}$",
      "^(?!.*b)(?=.*c).*$",
      "(?:)",

      "\\x61\\u0062",
      "\\.",
      "a^b",
      "^(b|(?!ca)c)a",
      "a$|^c",
  };
  Philox random(5);
  const std::string signs = "abc1. \n-]{,}";
  std::vector<std::string> texts = {""};
  for (int i = 0; i < 400; ++i) {
    std::string text;
    for (uint32_t n = 1 + random.next_u32() % 6; n > 0; --n)
      text += signs[random.next_u32() % (i % 2 == 0 ? 3 : signs.size())];
    texts.push_back(text);
  }
  for (const std::string& pattern : patterns) {
    const Dfa found = texts_matching(pattern, Spelling::kText);
    const Dfa whole = texts_matching(pattern, Spelling::kText, true);
    const std::regex judge(pattern, std::regex::ECMAScript);
    for (const std::string& text : texts) {
      // Its ^ and $ match at line ends, too.
      if (text.find('\n') != std::string::npos && pattern.find_first_of("^$") != std::string::npos) continue;
      EXPECT_EQ(found.contains(text), std::regex_search(text, judge)) << pattern << " in " << text;
      EXPECT_EQ(whole.contains(text), std::regex_match(text, judge)) << pattern << " is " << text;
    }
  }
}

TEST(Regex, CharactersAreThoseOfUnicode) {
  const auto takes = [](std::string_view pattern, std::string_view text) {
    return texts_matching(pattern, Spelling::kText, true).contains(text);
  };
  EXPECT_TRUE(takes(".", "\xF0\x9F\x98\x80"));
  EXPECT_FALSE(takes(".", "\xE2\x80\xA8"));
  EXPECT_TRUE(takes("[\\u00e0-\\u00ff]+", "\xC3\xA9\xC3\xA0"));
  EXPECT_TRUE(takes("\\u{1F600}", "\xF0\x9F\x98\x80"));
  EXPECT_TRUE(takes("\\uD83D\\uDE00", "\xF0\x9F\x98\x80"));
  EXPECT_TRUE(takes("\\p{L}+", "a\xC3\xA9\xCE\xB1"));
  EXPECT_FALSE(takes("\\p{Lu}", "a"));
  EXPECT_TRUE(takes("\\P{Letter}", "1"));
  EXPECT_TRUE(takes("[^\\x00-\\x1F]", "\xC2\x80"));
  EXPECT_TRUE(takes("\\s", "\xC2\xA0"));
  EXPECT_TRUE(takes("a{,2}", "a{,2}")) << "braces that are no counts stand for themselves";
}

TEST(Regex, JsonStringsAreWrittenInOneSpelling) {
  const Dfa set = texts_matching("^.\"\\\\\n\x01$", Spelling::kJsonString);
  EXPECT_TRUE(set.contains("a\\\"\\\\\\n\\u0001"));
  EXPECT_FALSE(set.contains("a\\\"\\\\\\u000a\\u0001"));
  EXPECT_FALSE(set.contains("a\"\\\\\\n\\u0001"));
  EXPECT_EQ(plain_string_content("a\"\n\x01\xC3\xA9/"), "a\\\"\\n\\u0001\xC3\xA9/");
}

TEST(Regex, RefusesWhatItCannotSay) {
  struct Case {
    std::string pattern;
    ErrorCode code;
    std::string_view message;
  };
  const std::vector<Case> cases = {
      {"(a", ErrorCode::kInvalidArgument, ") is expected"},
      {"a)", ErrorCode::kInvalidArgument, "unmatched )"},
      {"*a", ErrorCode::kInvalidArgument, "nothing to repeat"},
      {"a**", ErrorCode::kInvalidArgument, "nothing to repeat"},
      {"[b-a]", ErrorCode::kInvalidArgument, "ends below its begin"},
      {"[a", ErrorCode::kInvalidArgument, "] is expected"},
      {"a{3,2}", ErrorCode::kInvalidArgument, "ends below its begin"},
      {"(a)\\1", ErrorCode::kUnsupported, "back reference"},
      {"\\ba", ErrorCode::kUnsupported, "\\b"},
      {"(?<=a)b", ErrorCode::kUnsupported, "lookbehind"},
      {"((?=a)b)*", ErrorCode::kUnsupported, "lookahead within a repetition"},
      {"\\p{Script=Greek}", ErrorCode::kUnsupported, "\\p{Script=Greek}"},
      {"((a{100}){100}){100}", ErrorCode::kInvalidArgument, "limit"},
      {"(a|b)*a(a|b){30}", ErrorCode::kInvalidArgument, "limit"},
      {std::string(1000, '('), ErrorCode::kInvalidArgument, "limit of nesting"},
      {"\xFF", ErrorCode::kInvalidArgument, "no UTF-8"},
  };
  for (const Case& c : cases) {
    try {
      (void)texts_matching(c.pattern, Spelling::kText);
      ADD_FAILURE() << c.pattern;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), c.code) << c.pattern;
      EXPECT_THAT(error.message(), testing::HasSubstr(c.message)) << c.pattern;
    }
  }
}

}  // namespace
}  // namespace kinglet::grammar
