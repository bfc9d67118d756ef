#include "run/chat/literal_marks.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "run/chat/chat_template.h"
#include "run/chat/tiny_vocabulary.h"

namespace kinglet::chat {
namespace {

class LiteralMarksTest : public testing::Test {
 protected:
  // How many control tokens the prompt has in which `before` and `after` are the template's.
  size_t controls(const std::string& before, const std::string& text, const std::string& after) const {
    const LiteralMarks marks(vocabulary_.tokenizer());
    return count(
        vocabulary_.tokenizer().encode(before + marks.text(text) + after, {.special = true, .mark = marks.mark()}));
  }
  static size_t count(const std::vector<int32_t>& ids) {
    return static_cast<size_t>(
        std::ranges::count_if(ids, [](int32_t id) { return id >= TinyVocabulary::kFirstControl; }));
  }

  const TinyVocabulary vocabulary_{{"<|im_start|>", "<|im_end|>", "[INST]", "\xE2\x96\x81<PRE>", "#"}};
};

TEST_F(LiteralMarksTest, WhatPeopleWriteIsNoControlToken) {
  for (const std::string text :
       {"<|im_end|>", "a<|im_end|><|im_end|>b", "<<|im_start|>", "\xE2\x96\x81<PRE>", "#", "##", "[INST][INST]",
        "<|im_end|", "|im_end|>", "INST", " [", "] ", ">", "<", "<|im_<|im_end|>end|>"}) {
    EXPECT_EQ(controls("<|im_start|>", text, "<|im_end|>"), 2U) << text;
    // What the template writes around it makes none with it either, trimmed or not.
    EXPECT_EQ(controls("[", text, "]"), 0U) << text;
    EXPECT_EQ(controls("<|im_", text, "_end|>"), 0U) << text;
  }
}

TEST_F(LiteralMarksTest, PlainTextHasTheIdsThatItHasAlone) {
  const text::Tokenizer& tokenizer = vocabulary_.tokenizer();
  const LiteralMarks marks(tokenizer);
  for (const std::string text :
       {"", "plain", "<|im_end|>", "a <|im_end|> b", "1 < 2 > 0", "\xE4\xB8\xAD#\xF0\x9F\x90\xA6"}) {
    std::vector<int32_t> want = tokenizer.encode("<|im_start|>", {.special = true});
    std::ranges::copy(tokenizer.encode(text), std::back_inserter(want));
    EXPECT_EQ(tokenizer.encode("<|im_start|>" + marks.text(text), {.special = true, .mark = marks.mark()}), want)
        << text;
  }
}

TEST_F(LiteralMarksTest, TextWithoutSuchPlacesStaysAsItIs) {
  const LiteralMarks marks(vocabulary_.tokenizer());
  EXPECT_EQ(marks.text("Hello, <b>world</b>!"), "Hello, <b>world</b>!");
  EXPECT_NE(marks.text("x<|im_end|>"), "x<|im_end|>");
}

TEST_F(LiteralMarksTest, FiltersOfTemplatesLetMarksBe) {
  const text::Tokenizer& tokenizer = vocabulary_.tokenizer();
  const LiteralMarks marks(tokenizer);
  const auto messages = system::Json::parse(R"([{"role": "user", "content": "  <|im_end|> Straight \"on\" [INST] "},
      {"role": "tool", "content": [{"type": "text", "text": "<|im_end|>"}], "name": "<|im_end|>",
       "calls": [{"<|im_end|>": ["<|im_start|>", 1, null, true]}]}])",
                                            "messages");
  for (const std::string source : {"{{ messages[0].content | trim }}{{ messages[1] | tojson }}",
                                   "{{ messages[0].content | upper | lower | title }}{{ messages }}",
                                   "{% for m in messages %}{{ m.content }}{{ m.calls }}{{ m.name }}{% endfor %}"}) {
    const ChatTemplate chat_template(TemplateLanguage::kJinja, source, "test");
    TemplateInput input;
    input.messages = marks.messages(messages);
    const std::string rendered = chat_template.render(input);
    const std::vector<int32_t> ids = tokenizer.encode(rendered, {.special = true, .mark = marks.mark()});
    EXPECT_EQ(count(ids), 0U) << source;
    input.messages = messages;
    // Without marks there would be some, and the text is the same.
    EXPECT_GT(count(tokenizer.encode(chat_template.render(input), {.special = true})), 0U) << source;
    EXPECT_EQ(ids, tokenizer.encode(chat_template.render(input))) << source;
  }
}

TEST_F(LiteralMarksTest, GoTemplatesLetMarksBe) {
  const text::Tokenizer& tokenizer = vocabulary_.tokenizer();
  const LiteralMarks marks(tokenizer);
  TemplateInput plain;
  plain.messages = system::Json::parse(R"([{"role": "system", "content": "<|im_start|>"},
      {"role": "user", "content": "  <|im_end|> on [INST] "}, {"role": "user", "content": "<|im_end|>"},
      {"role": "assistant", "content": "[INST]", "thinking": "#",
       "tool_calls": [{"function": {"name": "[INST]", "arguments": {"#": "[INST]", "deep": ["#"]}}}]}])",
                                       "messages");
  plain.tools = system::Json::parse(R"([{"function": {"name": "#", "description": "[INST]",
      "parameters": {"type": "object", "properties": {"#": {"type": "string", "description": "[INST]"}}}}}])",
                                    "tools");
  TemplateInput marked = plain;
  marked.messages = marks.messages(plain.messages);
  marked.tools = marks.value(plain.tools);
  for (const std::string source :
       {"{{ .System }}{{ range .Messages }}{{ .Content }}{{ .Thinking }}{{ json .ToolCalls }}{{ end }}{{ .Tools }}",
        "{{ range .Messages }}{{ range .ToolCalls }}{{ .Function.Name }}{{ .Function.Arguments }}{{ end }}{{ end }}",
        "{{ range .Messages }}{{ printf \"%s|%v\" .Content .ToolCalls }}{{ html .Thinking }}{{ end }}",
        "{{ .System }}{{ .Prompt }}{{ .Response }}"}) {
    const ChatTemplate chat_template(TemplateLanguage::kGo, source, "test");
    const std::vector<int32_t> ids =
        tokenizer.encode(chat_template.render(marked), {.special = true, .mark = marks.mark()});
    EXPECT_EQ(count(ids), 0U) << source;
    EXPECT_GT(count(tokenizer.encode(chat_template.render(plain), {.special = true})), 0U) << source;
    EXPECT_EQ(ids, tokenizer.encode(chat_template.render(plain))) << source;
  }
}

TEST_F(LiteralMarksTest, RolesAreWords) {
  const LiteralMarks marks(vocabulary_.tokenizer());
  const auto parsed = [](const char* text) { return system::Json::parse(text, "messages"); };
  EXPECT_NO_THROW(static_cast<void>(marks.messages(parsed(R"([{"role": "user", "content": "x"}])"))));
  for (const char* text : {R"([{"role": "<|im_end|>", "content": "x"}])", R"([{"role": "", "content": "x"}])",
                           R"([{"content": "x"}])", R"([{"role": 5}])", R"({"role": "user"})", R"(["user"])"}) {
    EXPECT_THROW(static_cast<void>(marks.messages(parsed(text))), Error) << text;
  }
}

}  // namespace
}  // namespace kinglet::chat
