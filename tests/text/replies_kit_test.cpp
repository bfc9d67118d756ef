// Calls of tools and thinking: what each of the kit's templates spells is read back.
#include <gtest/gtest.h>

#include <set>

#include "weather_calls.h"

namespace kinglet::tests {
namespace {

void expect_calls(const ReadReply& reply, size_t n_calls) {
  EXPECT_TRUE(reply.complete);
  ASSERT_EQ(reply.calls.size(), n_calls);
  EXPECT_EQ(reply.calls[0].first, "get_weather");
  EXPECT_EQ(sorted(Json::parse(reply.calls[0].second, "arguments")), sorted(first_arguments()));
  if (n_calls < 2) return;
  EXPECT_EQ(reply.calls[1].first, "add");
  EXPECT_EQ(sorted(Json::parse(reply.calls[1].second, "arguments")), sorted(second_arguments()));
}

TEST(Replies, CallsOfEveryTemplateAreReadBack) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  const chat::ToolSet tools(weather_tools());
  size_t n = 0;
  std::set<std::string> one_call;
  for (const std::string& name : template_names()) {
    const chat::ChatTemplate chat = template_of(name);
    const auto format = chat::ReplyFormat::of(chat, nullptr);
    const auto by_hand = replies_by_hand().find(name);
    std::string opened;
    std::string text;
    if (by_hand != replies_by_hand().end()) {
      text = by_hand->second;
    } else {
      const std::optional<SpelledReply> spelled = spelled_calls(chat, "");
      if (!spelled) {
        ADD_FAILURE() << name << " refuses all calls";
        continue;
      }
      opened = format.opened_by(spelled->prompt);
      text = spelled->reply;
    }
    if (text.empty()) continue;
    ++n;
    const size_t n_calls = text.find("1.5") == std::string::npos ? 1 : 2;
    if (n_calls == 1) one_call.insert(name);
    for (const size_t n_bytes : {0, 1, 2, 3, 5, 7, 16}) {
      SCOPED_TRACE(str(name, " (", format.calls_name, "), ", n_bytes, " bytes a piece of: ", opened, "|||", text));
      const ReadReply reply = read_in_pieces(format, tools, opened, text, n_bytes);
      EXPECT_EQ(reply.text, "");
      EXPECT_EQ(reply.thinking, "");
      expect_calls(reply, n_calls);
      if (HasFailure()) break;
    }
  }
  EXPECT_EQ(n, 69U);
  const std::set<std::string> kOneCall = {"GigaChat3-10B-A1.8B.jinja",
                                          "GigaChat3.1-10B-A1.8B.jinja",
                                          "meta-llama-Llama-3.1-8B-Instruct.jinja",
                                          "meta-llama-Llama-3.2-3B-Instruct.jinja",
                                          "meta-llama-Llama-3.3-70B-Instruct.jinja",
                                          "openai-gpt-oss-120b.jinja"};
  EXPECT_EQ(one_call, kOneCall);
}

// Templates that write the thinking of an answer with calls; a model's own is between the same marks.
TEST(Replies, ThinkingOfTemplatesIsReadBack) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  const chat::ToolSet tools(weather_tools());
  const std::string thought = "First this,\nthen <b>that</b>.";
  size_t n = 0;
  std::string without;
  for (const std::string& name : template_names()) {
    const chat::ChatTemplate chat = template_of(name);
    const auto format = chat::ReplyFormat::of(chat, nullptr);
    const std::optional<SpelledReply> spelled = spelled_calls(chat, thought);
    if (!spelled || spelled->reply.find(thought) == std::string::npos) {
      if (format.thinks()) without += name + " ";
      continue;
    }
    ++n;
    // Only the prompt has what opens the thinking of this family, not the history.
    const std::string opened = format.opened_by(format.thinking_name == "apriel" ? spelled->begin : spelled->prompt);
    for (const size_t n_bytes : {0, 1, 2, 3, 5, 7, 16}) {
      SCOPED_TRACE(str(name, " (", format.thinking_name, "), ", n_bytes, " bytes a piece of: ", spelled->prompt, "|||",
                       spelled->reply));
      const ReadReply reply = read_in_pieces(format, tools, opened, spelled->reply, n_bytes);
      EXPECT_EQ(reply.thinking, thought);
      EXPECT_EQ(reply.text, "");
      expect_calls(reply, spelled->reply.find("1.5") == std::string::npos ? 1 : 2);
      if (HasFailure()) break;
    }
  }
  EXPECT_GE(n, 30U) << without;
}

}  // namespace
}  // namespace kinglet::tests
