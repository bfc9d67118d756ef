// Grammars of replies with tools take what the kit's templates spell, and nothing that breaks a tool's schema.
#include <gtest/gtest.h>

#include "model/grammar/matcher.h"
#include "run/chat/reply/call_grammar.h"
#include "run/chat/tiny_vocabulary.h"
#include "weather_calls.h"

namespace kinglet::tests {
namespace {

using chat::ToolUse;
using Choice = chat::ToolUse::Choice;

// A vocabulary of bytes: marks are text.
const chat::TinyVocabulary& bytes() {
  static const chat::TinyVocabulary words({"<end>"});
  return words;
}

bool takes(const grammar::Grammar& grammar, std::string_view text) {
  static const auto trie = grammar::TokenTrie::make(bytes().tokenizer(), std::vector<int32_t>{256});
  grammar::Matcher matcher(grammar, trie);
  return matcher.accept_bytes(text) && matcher.can_end();
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const size_t at = text.find(what);
  if (at != std::string::npos) text.replace(at, what.size(), with);
  return text;
}

TEST(CallGrammars, TakeWhatTemplatesSpell) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  const chat::ToolSet tools(weather_tools());
  size_t n = 0;
  for (const std::string& name : template_names()) {
    const chat::ChatTemplate chat = template_of(name);
    const auto format = chat::ReplyFormat::of(chat, nullptr);
    if (replies_by_hand().contains(name)) continue;
    const std::optional<SpelledReply> spelled = spelled_calls(chat, "");
    ASSERT_TRUE(spelled) << name;
    const std::string opened = format.opened_by(spelled->prompt);
    const std::string& reply = spelled->reply;
    SCOPED_TRACE(str(name, " (", format.calls_name, "): ", opened, "|||", reply));
    const auto grammar = [&](const ToolUse& use) {
      return chat::call_grammar(format, tools, use, bytes().tokenizer(), opened);
    };
    const bool is_raw = format.calls_name == "gemma4" || format.calls_name == "minimax-m3";
    ++n;
    const auto required = grammar({.choice = Choice::kRequired});
    EXPECT_TRUE(takes(required, reply));
    EXPECT_TRUE(takes(grammar({.choice = Choice::kAuto}), reply));
    EXPECT_FALSE(takes(required, "Just text."));
    EXPECT_FALSE(takes(required, replaced(reply, "get_weather", "get_water")));
    if (!is_raw) {
      EXPECT_FALSE(takes(required, replaced(replaced(reply, "3", "many"), "\"days\": \"many\"", "\"days\": many")));
      EXPECT_FALSE(takes(required, replaced(reply, "city", "town")));
    }
    if (reply.find("1.5") != std::string::npos) {
      EXPECT_FALSE(takes(grammar({.choice = Choice::kRequired, .may_be_several = false}), reply));
      EXPECT_FALSE(takes(grammar({.choice = Choice::kNamed, .name = "get_weather"}), reply));
    } else {
      EXPECT_TRUE(takes(grammar({.choice = Choice::kNamed, .name = "get_weather"}), reply));
    }
  }
  EXPECT_EQ(n, 60U);
}

}  // namespace
}  // namespace kinglet::tests
