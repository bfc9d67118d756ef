#include "run/chat/reply/reply_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "home/system/json.h"
#include "run/chat/tiny_vocabulary.h"

namespace kinglet::chat {
namespace {

using Kind = ReplyEvent::Kind;

ReplyFormat format_of(const std::string& words) {
  const ChatTemplate chat(TemplateLanguage::kJinja, "{{ messages[0].content }}{# " + words + " #}", "test");
  return ReplyFormat::of(chat, nullptr);
}

const ToolSet& tools() {
  static const ToolSet set(system::Json::parse(R"([
    {"name": "get", "parameters": {"type": "object", "properties": {"s": {"type": "string"}, "n": {"type": "integer"}}}},
    {"name": "add"}])",
                                               "tools"));
  return set;
}

// Neighbours of one kind as one event.
std::vector<ReplyEvent> joined(const std::vector<ReplyEvent>& events) {
  std::vector<ReplyEvent> result;
  for (const ReplyEvent& event : events) {
    const bool is_delta = event.kind == Kind::kText || event.kind == Kind::kThinking || event.kind == Kind::kArguments;
    EXPECT_EQ(is_delta, !event.text.empty());
    if (is_delta && !result.empty() && result.back().kind == event.kind) {
      result.back().text += event.text;
    } else {
      result.push_back(event);
    }
  }
  return result;
}

std::vector<ReplyEvent> read(const ReplyFormat& format, const std::vector<std::string>& pieces,
                             const std::string& opened = {}, const ToolSet& set = tools()) {
  ReplyReader reader(format, set, {.opened = opened, .id_seed = 7});
  std::vector<ReplyEvent> events;
  for (const std::string& piece : pieces) reader.add(piece, events);
  reader.finish(events);
  return joined(events);
}

// As text, to compare at a glance: text, (thinking), name{arguments}, ! for an end that is none.
std::string shown(const std::vector<ReplyEvent>& events) {
  std::string text;
  for (const ReplyEvent& event : events) {
    if (event.kind == Kind::kThinking) text += "(" + event.text + ")";
    if (event.kind == Kind::kText || event.kind == Kind::kArguments) text += event.text;
    if (event.kind == Kind::kCallBegin) text += "|" + event.name;
    if (event.kind == Kind::kCallEnd) text += event.complete ? "|" : "!|";
  }
  return text;
}

struct Row {
  const char* words;  // of the template
  const char* reply;
  const char* want;
};

constexpr const char* kHermes = "<tool_call> <think></think>";
constexpr Row kRows[] = {
    {kHermes, "Just text. 1 < 2, <b>bold</b>\n\n", "Just text. 1 < 2, <b>bold</b>\n\n"},
    {kHermes, "  leading", "  leading"},
    {kHermes, "<think>\nHm.\n</think>\n\nText", "(Hm.)Text"},
    {kHermes, "\n<think>Hm. <think> again</think>", "(Hm. <think> again)"},
    {kHermes, "I write <think> in text</think>", "I write <think> in text</think>"},
    {kHermes, "</think>Text", "Text"},
    {kHermes, "<think>never ends \n", "(never ends \n)"},
    {kHermes, "<think><tool_call>{\"name\": \"add\"}</tool_call></think>x",
     "(<tool_call>{\"name\": \"add\"}</tool_call>)x"},
    {kHermes, "Text \n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": [1, 2]}}\n</tool_call>\nmore",
     "Text|add{\"a\": [1, 2]}|more"},
    {kHermes, "<tool_call>{\"name\": \"add\", \"arguments\": {}}</tool_call><tool_call>{\"name\": \"get\"}</tool_call>",
     "|add{}||get{}|"},
    {kHermes, "<tool_call>{\"arguments\": {\"n\": 1}, \"name\": \"get\"}</tool_call>", "|get{\"n\": 1}|"},
    {kHermes, "<tool_call>{\"id\": 3, \"name\": \"get\", \"arguments\": \"{\\\"n\\\": 1}\"}</tool_call>",
     "|get{\"n\": 1}|"},
    {kHermes, "<tool_call>[{\"name\": \"get\", \"arguments\": null}, {\"name\": \"add\"}]</tool_call>",
     "|get{}||add{}|"},
    {kHermes, "<tool_call>{\"type\": \"function\", \"function\": {\"name\": \"get\", \"parameters\": {}}}</tool_call>",
     "|get{}|"},
    // What is no call, is text: another tool's name, no object, no end.
    {kHermes, "<tool_call>{\"name\": \"other\", \"arguments\": {}}</tool_call>",
     "<tool_call>{\"name\": \"other\", \"arguments\": {}}</tool_call>"},
    {kHermes, "The tag <tool_call> opens a call, </tool_call> ends it.",
     "The tag <tool_call> opens a call, </tool_call> ends it."},
    {kHermes, "<tool_call>{\"name\": ", "<tool_call>{\"name\": "},
    {kHermes, "<tool_c", "<tool_c"},
    {kHermes, "<tool_call><tool_call>{\"name\": \"add\"}</tool_call>", "<tool_call>|add{}|"},
    // What is cut off within a call stays one that is not complete.
    {kHermes, "<tool_call>{\"name\": \"get\", \"arguments\": {\"s\": \"Par", "|get{\"s\": \"Par!|"},
    {kHermes, "<tool_call>{\"name\": \"get\", \"arguments\": {\"s\": \"x\"} oh", "|get{\"s\": \"x\"}!|oh"},
    {kHermes, "<tool_call>{\"name\": \"get\", \"arguments\": {\"s\": x}}", "|get{\"s\": !|x}}"},
    {kHermes, "<tool_call>{\"name\": \"add\", \"arguments\": {}}\n</tool", "|add{}|"},
    {kHermes, "<tool_call>{\"name\": \"add\", \"arguments\": {}} and text", "|add{}|and text"},
    {"<tool_call> <function= <parameter=",
     "<tool_call>\n<function=get>\n<parameter=s>\n two\nlines \n</parameter>\n<parameter=n>\n3\n</parameter>\n"
     "</function>\n</tool_call>",
     "|get{\"s\": \" two\\nlines \", \"n\": 3}|"},
    {"<tool_call> <function= <parameter=", "<function=get>\n</function>", "|get{}|"},
    {"<tool_call> <function= <parameter=",
     "<function=get><parameter=s>a</para</parameter><parameter=n>many</parameter><parameter=x>True</parameter>"
     "<parameter=y>\"q\"</parameter></function>",
     "|get{\"s\": \"a</para\", \"n\": \"many\", \"x\": true, \"y\": \"\\\"q\\\"\"}|"},
    {"<tool_call> <function= <parameter=", "<function=get>\n<parameter=s>\nPar", "|get{\"s\": \"Par!|"},
    {"<tool_call> <function= <parameter=", "<function=get>\n<parameter=n>\n12", "|get{\"n\": !|12"},
    {"\"parameters\": <|start_header_id|>", "{\"name\": \"get\", \"parameters\": {\"n\": 1}}", "|get{\"n\": 1}|"},
    {"\"parameters\": <|start_header_id|>", "{\"name\": \"get\", \"parameters\": {}}; {\"name\": \"add\"}",
     "|get{}||add{}|"},
    {"\"parameters\": <|start_header_id|>", "{\"name\": \"get\", \"age\": 3}", "{\"name\": \"get\", \"age\": 3}"},
    {"\"parameters\": <|start_header_id|>", "Look: {\"name\": \"get\", \"parameters\": {}}",
     "Look: {\"name\": \"get\", \"parameters\": {}}"},
    {"\"parameters\": <|start_header_id|>", "<|python_tag|>{\"name\": \"get\", \"parameters\": {}}", "|get{}|"},
    {"\"parameters\": <|start_header_id|>", "<|python_tag|>get.call(s='it's', n=2)",
     "|get{\"s\": \"it's\", \"n\": 2}|"},
    {"\"parameters\": <|start_header_id|>", "[get(n=1), add()]", "|get{\"n\": 1}||add{}|"},
    {"\"parameters\": <|start_header_id|>", "[1, 2]", "[1, 2]"},
    {"[TOOL_CALLS][ARGS]", "Hm[TOOL_CALLS]get[ARGS]{\"n\": 1}[TOOL_CALLS]add[ARGS]{}", "Hm|get{\"n\": 1}||add{}|"},
    {"<|channel|>commentary <|channel|>final",
     "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary to=functions.get "
     "<|constrain|>json<|message|>{\"n\": 1}",
     "(Hm.)|get{\"n\": 1}|"},
    {"<|channel|>commentary <|channel|>final",
     "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Text <|x|>",
     "(Hm.)Text <|x|>"},
    {"<|tool_call>", "<|tool_call>call:get{n:1,s:<|\"|>a\"b<|\"|>}<tool_call|>", "|get{\"n\":1,\"s\":\"a\\\"b\"}|"},
    {"nothing", "```json\n{\"name\": \"add\", \"arguments\": {}}\n```", "|add{}|"},
    {"nothing", "```json\n{\"a\": 1}\n```", "```json\n{\"a\": 1}\n```"},
};

TEST(ReplyReader, ReadsReplies) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(str(row.words, ": ", row.reply));
    EXPECT_EQ(shown(read(format_of(row.words), {row.reply})), row.want);
  }
}

TEST(ReplyReader, GivesTheSameHoweverAReplyIsCut) {
  std::mt19937 random(3);
  for (const Row& row : kRows) {
    const ReplyFormat format = format_of(row.words);
    const std::string reply = row.reply;
    const std::vector<ReplyEvent> whole = read(format, {reply});
    std::vector<std::string> characters;
    for (const char c : reply) characters.emplace_back(1, c);
    EXPECT_EQ(read(format, characters), whole) << reply;
    for (size_t cut = 0; cut <= reply.size(); ++cut) {
      EXPECT_EQ(read(format, {reply.substr(0, cut), reply.substr(cut)}), whole) << reply << " cut at " << cut;
    }
    for (int i = 0; i < 50; ++i) {
      std::vector<std::string> pieces;
      for (size_t at = 0; at < reply.size(); at += pieces.back().size()) {
        pieces.push_back(reply.substr(at, random() % 9));
      }
      EXPECT_EQ(read(format, pieces), whole) << reply;
    }
  }
}

// Any text at all, made from the marks of the formats: cuts change nothing, arguments of complete calls are JSON, and
// letters are not lost.
TEST(ReplyReader, ReadsAnyTextTheSameHoweverItIsCut) {
  const std::vector<std::string> parts = {"<tool_call>",
                                          "</tool_call>",
                                          "{\"name\": \"get\"",
                                          ", \"arguments\": ",
                                          "{\"s\": \"",
                                          "x",
                                          "\"}",
                                          "}",
                                          "<think>",
                                          "</think>",
                                          "\n",
                                          " ",
                                          "<function=get>",
                                          "<parameter=s>",
                                          "</parameter>",
                                          "</function>",
                                          "[",
                                          "]",
                                          "get(",
                                          "n=1",
                                          ")",
                                          "'",
                                          ",",
                                          "{",
                                          "<|python_tag|>",
                                          "[TOOL_CALLS]",
                                          "[ARGS]",
                                          "get",
                                          "<",
                                          "<tool",
                                          "```json",
                                          "null",
                                          "12"};
  std::mt19937 random(11);
  const size_t n_texts = KINGLET_SANITIZED ? 1'000 : 10'000;
  for (const char* words : {kHermes, "<tool_call> <function= <parameter=", "\"parameters\": <|start_header_id|>",
                            "[TOOL_CALLS][ARGS]", "[TOOL_CALLS]", "nothing"}) {
    const ReplyFormat format = format_of(words);
    for (size_t i = 0; i < n_texts / 6; ++i) {
      std::string text;
      for (size_t n = random() % 14; n > 0; --n) text += parts[random() % parts.size()];
      const std::vector<ReplyEvent> whole = read(format, {text});
      std::vector<std::string> pieces;
      for (size_t at = 0; at < text.size(); at += pieces.back().size()) pieces.push_back(text.substr(at, random() % 7));
      ASSERT_EQ(read(format, pieces), whole) << words << ": " << text;
      std::string arguments;
      for (const ReplyEvent& event : whole) {
        if (event.kind == Kind::kCallBegin) arguments.clear();
        if (event.kind == Kind::kArguments) arguments = event.text;
        if (event.kind != Kind::kCallEnd || !event.complete) continue;
        ASSERT_NO_THROW(ASSERT_TRUE(system::Json::parse(arguments, "arguments").is_object())) << words << ": " << text;
      }
      const std::string given = shown(whole);
      EXPECT_GE(std::ranges::count(given, 'x'), std::ranges::count(text, 'x'))
          << words << ": " << text << " gave " << given;
    }
  }
}

TEST(ReplyReader, ArgumentsStream) {
  const ReplyFormat format = format_of("<tool_call> <function= <parameter=");
  ReplyReader reader(format, tools());
  std::vector<ReplyEvent> events;
  reader.add("<tool_call>\n<function=get>\n<parameter=s>\nTo be, or", events);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].kind, Kind::kCallBegin);
  EXPECT_EQ(events[1].text, "{\"s\": \"To be, or");
  reader.add(" not", events);
  EXPECT_EQ(events[1].text, "{\"s\": \"To be, or not");
}

TEST(ReplyReader, IdsAreOfTheFamilysForm) {
  const std::vector<ReplyEvent> events = read(
      format_of(kHermes), {"<tool_call>{\"name\": \"add\"}</tool_call><tool_call>{\"name\": \"add\"}</tool_call>"});
  ASSERT_EQ(events.size(), 6U);
  EXPECT_THAT(events[0].id, testing::MatchesRegex("call_[0-9A-Za-z]{24}"));
  EXPECT_NE(events[0].id, events[3].id);
  EXPECT_EQ(events[3].call_idx, 1U);
  EXPECT_THAT(read(format_of("[TOOL_CALLS][ARGS]"), {"[TOOL_CALLS]add[ARGS]{}"})[0].id,
              testing::MatchesRegex("[0-9A-Za-z]{9}"));
  EXPECT_EQ(read(format_of("[TOOL_CALLS][CALL_ID][ARGS]"), {"[TOOL_CALLS]add[CALL_ID]abc123DEF[ARGS]{}"})[0].id,
            "abc123DEF");
}

TEST(ReplyReader, WithoutToolsNothingIsACall) {
  const std::string reply = "<tool_call>{\"name\": \"add\", \"arguments\": {}}</tool_call>";
  EXPECT_EQ(shown(read(format_of(kHermes), {reply}, {}, ToolSet())), reply);
}

// What comes behind a trigger is kept only so far.
TEST(ReplyReader, KeepsLittle) {
  const ReplyFormat format = format_of(kHermes);
  ReplyReader reader(format, tools());
  std::vector<ReplyEvent> events;
  const std::string long_text(3 * CallReader::kMaxHeld, 'x');
  reader.add("<tool_call>{\"arguments\": {\"s\": \"" + long_text, events);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].kind, Kind::kText);
  EXPECT_GT(events[0].text.size(), long_text.size());
}

TEST(ReplyFormat, KnowsWhatAPromptOpened) {
  const ReplyFormat format = format_of(kHermes);
  EXPECT_EQ(format.opened_by("<|im_start|>assistant\n<think>\n"), "<think>");
  EXPECT_EQ(format.opened_by("<|im_start|>assistant\n<think>\n\n</think>\n\n"), "</think>");
  EXPECT_EQ(format.opened_by("<|im_start|>assistant\n"), "");
  EXPECT_EQ(shown(read(format, {"Hm.</think>Text"}, "<think>")), "(Hm.)Text");
  EXPECT_EQ(shown(read(format, {"Text"}, "</think>")), "Text");
  const ReplyFormat harmony = format_of("<|channel|>commentary <|channel|>final");
  EXPECT_EQ(shown(read(harmony, {" to=functions.add<|channel|>commentary json<|message|>{}"},
                       harmony.opened_by("<|end|><|start|>assistant"))),
            "|add{}|");
}

TEST(ReplyFormat, FindsTheControlTokensOfItsMarks) {
  const TinyVocabulary words({"<|im_end|>", "<think>", "</think>", "<tool_call>", "</tool_call>"});
  const ReplyFormat format = format_of(kHermes);
  constexpr int32_t kFirst = TinyVocabulary::kFirstControl;
  EXPECT_THAT(format.shown_tokens(words.tokenizer()),
              testing::ElementsAre(kFirst + 1, kFirst + 2, kFirst + 3, kFirst + 4));
  // A template that shows nothing leaves it to the vocabulary.
  const ChatTemplate silent(TemplateLanguage::kJinja, "{{ messages[0].content }}", "test");
  const ReplyFormat by_vocabulary = ReplyFormat::of(silent, &words.tokenizer());
  EXPECT_EQ(by_vocabulary.calls_name, "hermes");
  EXPECT_EQ(by_vocabulary.thinking_name, "<think>");
}

}  // namespace
}  // namespace kinglet::chat
