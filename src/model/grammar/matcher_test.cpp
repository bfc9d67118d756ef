#include "model/grammar/matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/base.h"
#include "model/grammar/sample_vocabulary.h"

namespace kinglet::grammar {
namespace {

const std::vector<std::string> kTexts = {
    R"({"name": "Ada Lovelace", "age": 36, "tags": ["a", "b\n", ""], "x": {"y": [1.5e-3, -2, true, null]}})",
    "The quick brown fox\n  jumps over 13 lazy dogs, \xC3\xA9t\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80!",
    R"({"a":1,"b":[{"c":"\u00e9"},[],{}],"d":"\"quoted\""})",
    "<tool_call>\n{\"name\": \"f\"}\n</tool_call>",
    "\", \"",
    "\": {\"",
    "}}]}",
    "   \n\t  ",
    "\\\\\"",
    "1234567890",
    "foo bar(baz, qux)"};

const SampleVocabulary& vocabulary() {
  static const SampleVocabulary v = sample_vocabulary(kTexts, 1500);
  return v;
}

// Every token tried byte by byte, by the steps alone.
void expect_mask_of_steps(Matcher& matcher, const std::string& where) {
  const auto mask = matcher.mask();
  std::vector<uint32_t> copy(mask.begin(), mask.end());
  for (size_t i = 0; i < vocabulary().bytes.size(); ++i) {
    const auto token = static_cast<int32_t>(i);
    Matcher tried = matcher;
    const std::string_view bytes = vocabulary().trie->bytes_of(token);
    bool allowed = !bytes.empty() && !matcher.has_ended();
    for (size_t b = 0; allowed && b < bytes.size(); ++b) allowed = tried.accept_bytes(bytes.substr(b, 1));
    if (vocabulary().trie->is_end(token)) allowed = matcher.can_end();
    ASSERT_EQ(has(copy, token), allowed) << where << ": token " << i << " " << vocabulary().bytes[i];
    Matcher whole = matcher;
    ASSERT_EQ(whole.accept(token), allowed) << where << ": token " << i;
  }
}

// Random tokens that the masks allow; at every step the mask is compared with all tokens tried one by one.
void expect_masks(const Grammar& grammar, uint64_t seed, size_t n_steps) {
  Matcher matcher(grammar, vocabulary().trie);
  Philox random(seed);
  std::string text;
  for (size_t step = 0; step < n_steps && !matcher.has_ended(); ++step) {
    expect_mask_of_steps(matcher, text);
    if (testing::Test::HasFatalFailure()) return;
    const auto mask = matcher.mask();
    std::vector<int32_t> allowed;
    for (size_t i = 0; i < vocabulary().bytes.size(); ++i) {
      if (has(mask, static_cast<int32_t>(i))) allowed.push_back(static_cast<int32_t>(i));
    }
    ASSERT_FALSE(allowed.empty()) << text;
    const int32_t token = allowed[random.next_u32() % allowed.size()];
    ASSERT_TRUE(matcher.accept(token));
    text += vocabulary().bytes[static_cast<size_t>(token)];
  }
}

TEST(Matcher, MasksAreThoseOfEveryTokenTriedByteByByte) {
  const std::string_view arithmetic =
      "root ::= expr \"\\n\"?\n"
      "expr ::= expr (\"+\" | \"-\") term | term\n"
      "term ::= [0-9]{1,3} | \"(\" expr \")\" | [a-z\xC3\xA9\xE2\x82\xAC]+\n";
  const std::vector<std::string> choices = {"foo", "foo bar", "", "The quick"};
  const std::vector<std::string> stops = {"</tool_call>", "foo"};
  const std::vector<Grammar> parts = {Grammar::text_until("<tool_call>"), Grammar::any_json(),
                                      Grammar::literal("</tool_call>"), Grammar::text_without(stops)};
  const std::vector<Grammar> tokens = {Grammar::token(vocabulary().controls[0]),
                                       Grammar::any_json({.object_only = true}),
                                       Grammar::token(vocabulary().controls[1])};
  const std::vector<Grammar> grammars = {
      Grammar::any_json(),
      Grammar::any_json({.object_only = true, .whitespace = Whitespace::kAny}),
      Grammar::any_json({.whitespace = Whitespace::kNone}),
      Grammar::from_gbnf(arithmetic),
      Grammar::from_choices(choices),
      Grammar::sequence(parts),
      Grammar::repeated(Grammar::sequence(tokens), 1, 3),
      Grammar::alternatives(parts),
      // Names that are not these, strings of a pattern and of a length.
      Grammar::from_schema(system::Json::parse(
          R"({"properties":{"name":{"type":"integer"},"na":{"maxLength":3,"type":"string"},"b":{"pattern":"^(fo|x).*"}},
              "additionalProperties":{"type":"string","minLength":2,"maxLength":9},"required":["b"],"type":"object"})",
          "schema")),
      Grammar::from_schema(system::Json::parse(
          R"({"type":"string","not":{"enum":["The","The quick","foo"]},"pattern":"^[^0-9]*$"})", "schema")),
  };
  const size_t n_steps = KINGLET_SANITIZED ? 12 : 40;
  for (size_t g = 0; g < grammars.size(); ++g) {
    for (uint64_t seed = 0; seed < 3; ++seed) {
      SCOPED_TRACE(testing::Message() << "grammar " << g << ", seed " << seed);
      expect_masks(grammars[g], seed, n_steps);
    }
  }
}

// Whether JSON's own reader takes the text.
bool is_json(const std::string& text) {
  try {
    (void)system::Json::parse(text, "text");
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Numbers out of the range of a double are JSON, but that reader refuses them.
bool has_large_exponent(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (size_t i = text.find_first_of("eE"); i != std::string_view::npos; i = text.find_first_of("eE", i + 1)) {
    const size_t first = text.find_first_not_of("+-", i + 1);
    if (first == std::string_view::npos) return false;
    const auto digits = text.substr(first);
    if (std::find_if_not(digits.begin(), digits.end(), is_digit) - digits.begin() > 2) return true;
  }
  return false;
}

TEST(Matcher, AnyJsonTakesWhatTheReaderOfJsonTakes) {
  const Grammar grammar = Grammar::any_json({.whitespace = Whitespace::kAny});
  Philox random(3);
  size_t n_valid = 0;
  const std::vector<std::string> seeds = {kTexts[0], kTexts[2], "[1,2.5,-0,0.1e+5,1E2]", R"("\ud83d\ude00\u0041")",
                                          " null ",  "0",       R"({"":{"":[[[]]]}})"};
  for (int i = 0; i < 4000; ++i) {
    std::string text = seeds[random.next_u32() % seeds.size()];
    const uint32_t n_changes = random.next_u32() % 3;
    for (uint32_t c = 0; c < n_changes && !text.empty(); ++c) {
      const size_t at = random.next_u32() % text.size();
      constexpr std::string_view kSigns = "{}[]\",:0123eE+-. \\u\ntrue\x01\xC3\xA9";
      const char sign = kSigns[random.next_u32() % kSigns.size()];
      switch (random.next_u32() % 3) {
        case 0:
          text.erase(at, 1);
          break;
        case 1:
          text.insert(at, 1, sign);
          break;
        default:
          text[at] = sign;
      }
    }
    if (has_large_exponent(text)) continue;
    n_valid += is_json(text) ? 1 : 0;
    EXPECT_EQ(matches(grammar, vocabulary(), text), is_json(text)) << text;
  }
  EXPECT_GT(n_valid, 1000U);
}

TEST(Matcher, WhiteSpaceIsWhatTheOptionSays) {
  const auto takes = [&](Whitespace whitespace, std::string_view text) {
    return matches(Grammar::any_json({.whitespace = whitespace}), vocabulary(), text);
  };
  EXPECT_TRUE(takes(Whitespace::kNone, R"({"a":[1,2]})"));
  EXPECT_FALSE(takes(Whitespace::kNone, R"({"a": 1})"));
  EXPECT_TRUE(takes(Whitespace::kSome, "{\n  \"a\": [1, 2]\n}"));
  EXPECT_FALSE(takes(Whitespace::kSome, "{   }"));
  EXPECT_FALSE(takes(Whitespace::kSome, " 1"));
  EXPECT_TRUE(takes(Whitespace::kAny, " \n\n {   \t } "));
}

TEST(Matcher, RollbackGoesBackToTheSameMasks) {
  const Grammar grammar = Grammar::any_json();
  Matcher matcher(grammar, vocabulary().trie);
  std::vector<std::vector<uint32_t>> masks;
  const std::string text = R"({"a": [1, "b"]})";
  for (const char c : text) {
    const auto mask = matcher.mask();
    masks.emplace_back(mask.begin(), mask.end());
    ASSERT_TRUE(matcher.accept(static_cast<uint8_t>(c)));
  }
  EXPECT_TRUE(matcher.can_end());
  ASSERT_TRUE(matcher.accept(vocabulary().ends[1]));
  EXPECT_TRUE(matcher.has_ended());
  EXPECT_FALSE(matcher.accept('x'));
  ASSERT_TRUE(matcher.rollback(1));
  EXPECT_FALSE(matcher.has_ended());
  for (size_t n = text.size(); n-- > 0;) {
    ASSERT_TRUE(matcher.rollback(1));
    EXPECT_THAT(matcher.mask(), testing::ElementsAreArray(masks[n]));
  }
  EXPECT_FALSE(matcher.rollback(1));
  // More steps than are remembered.
  ASSERT_TRUE(matcher.accept('"'));
  for (size_t i = 0; i < Matcher::kMaxRollback + 44; ++i) ASSERT_TRUE(matcher.accept('a'));
  EXPECT_EQ(matcher.n_steps(), Matcher::kMaxRollback);
  EXPECT_FALSE(matcher.rollback(Matcher::kMaxRollback + 1));
  ASSERT_TRUE(matcher.rollback(Matcher::kMaxRollback));
  ASSERT_TRUE(matcher.accept('"'));
  EXPECT_TRUE(matcher.can_end());
}

TEST(Matcher, CopiesGoOnByThemselves) {
  Matcher one(Grammar::any_json(), vocabulary().trie);
  ASSERT_TRUE(one.accept_bytes("{\"a\":"));
  Matcher other = one;
  ASSERT_TRUE(one.accept_bytes("1}"));
  ASSERT_TRUE(other.accept_bytes("[2,"));
  EXPECT_TRUE(one.can_end());
  EXPECT_FALSE(other.can_end());
  ASSERT_TRUE(other.rollback(2));
  ASSERT_TRUE(other.accept_bytes("null"));
}

TEST(Matcher, ForcedBytesAndTokensAreTheOnlyWayOn) {
  const std::vector<Grammar> parts = {Grammar::literal("foo bar(baz, "),
                                      Grammar::from_choices(std::vector<std::string>{"qux)", "quick)"})};
  Matcher matcher(Grammar::sequence(parts), vocabulary().trie);
  EXPECT_EQ(matcher.forced_bytes(), "foo bar(baz, qu");
  EXPECT_EQ(matcher.forced_bytes(3), "foo");
  const auto encode = [](std::string_view bytes) {
    std::vector<int32_t> ids;
    for (const char c : bytes) ids.push_back(static_cast<uint8_t>(c));
    return ids;
  };
  const std::vector<int32_t> forced = matcher.forced(encode);
  // "qu", and what stands before it, may go on as one token.
  ASSERT_FALSE(forced.empty());
  ASSERT_LT(forced.size(), matcher.forced_bytes().size());
  for (const int32_t token : forced) ASSERT_TRUE(matcher.accept(token));
  const std::string rest = std::string("foo bar(baz, qu").substr(forced.size());
  EXPECT_TRUE(vocabulary().trie->is_proper_prefix(rest)) << rest;
  EXPECT_EQ(matcher.forced_bytes(), rest);
  ASSERT_TRUE(matcher.accept_bytes(rest + "ick)"));
  EXPECT_EQ(matcher.forced_bytes(), "");
  EXPECT_TRUE(matcher.can_end());
}

TEST(Matcher, LiteralsTriggerWhatFollows) {
  const std::vector<Grammar> call = {Grammar::text_until("<tool_call>"), Grammar::any_json({.object_only = true}),
                                     Grammar::literal("</tool_call>")};
  const std::vector<Grammar> parts = {Grammar::repeated(Grammar::sequence(call), 0, {}),
                                      Grammar::text_without(std::vector<std::string>{"<tool_call>"})};
  const Grammar grammar = Grammar::sequence(parts);
  EXPECT_TRUE(matches(grammar, vocabulary(), "plain text, <tool_cal and so on"));
  EXPECT_TRUE(matches(grammar, vocabulary(), "<<tool_call>{}</tool_call>"));
  EXPECT_TRUE(matches(grammar, vocabulary(), "a<tool_call>{\"b\":1}</tool_call><tool_call>{}</tool_call> done"));
  EXPECT_FALSE(matches(grammar, vocabulary(), "a<tool_call>not json"));
  EXPECT_FALSE(matches(grammar, vocabulary(), "a<tool_call>{}"));
}

TEST(Matcher, ControlTokensMatchOnlyWhereTheyAreNamed) {
  const int32_t control = vocabulary().controls[0];
  Matcher text(Grammar::text_without({}), vocabulary().trie);
  EXPECT_FALSE(has(text.mask(), control));
  EXPECT_TRUE(has(text.mask(), 'x'));
  EXPECT_FALSE(has(text.mask(), 0xFF)) << "a byte that no text has";
  Matcher named(Grammar::from_gbnf(str("root ::= \"a\" <[", control, "]> \"b\"")), vocabulary().trie);
  ASSERT_TRUE(named.accept('a'));
  EXPECT_TRUE(has(named.mask(), control));
  EXPECT_FALSE(has(named.mask(), vocabulary().controls[1]));
  ASSERT_TRUE(named.accept(control));
  ASSERT_TRUE(named.accept('b'));
  EXPECT_TRUE(named.can_end());
}

TEST(Matcher, DeepNestingEndsInAnErrorThatNamesTheLimit) {
  Matcher matcher(Grammar::any_json(), vocabulary().trie);
  try {
    for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(matcher.accept('['));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.message(), testing::HasSubstr("limit of nesting"));
  }
}

}  // namespace
}  // namespace kinglet::grammar
