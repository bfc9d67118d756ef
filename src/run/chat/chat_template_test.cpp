#include "run/chat/chat_template.h"

#include <gtest/gtest.h>

namespace kinglet::chat {
namespace {

TemplateInput hello() {
  TemplateInput input;
  input.messages =
      system::Json::parse(R"([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}])", "messages");
  return input;
}

format::Metadata metadata_of(std::span<const std::string_view> tokens) {
  format::Metadata metadata("file");
  metadata.set("tokenizer.ggml.model", "gpt2");
  metadata.set_strings("tokenizer.ggml.tokens", tokens);
  return metadata;
}

TEST(ChatTemplate, FilesWithoutOne) {
  const std::string_view chat_ml[] = {"a", "<|im_start|>", "<|im_end|>"};
  const ChatTemplate known = ChatTemplate::of(metadata_of(chat_ml));
  EXPECT_TRUE(known.is_fallback());
  EXPECT_EQ(known.render(hello()),
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHo<|im_end|>\n<|im_start|>assistant\n");
  const std::string_view words[] = {"a", "<|im_start|>"};
  EXPECT_EQ(ChatTemplate::of(metadata_of(words)).render(hello()), "Hi\nHo");
}

TEST(ChatTemplate, SeesTokensToolsAndVariables) {
  const std::string_view tokens[] = {"<s>", "</s>"};
  format::Metadata metadata = metadata_of(tokens);
  metadata.set("tokenizer.ggml.bos_token_id", 0);
  metadata.set("tokenizer.ggml.eos_token_id", 1);
  metadata.set("tokenizer.chat_template",
               "{{ bos_token }}{{ eos_token }}{{ tools is defined }}{{ extra }}{{ add_generation_prompt }}");
  TemplateInput input = hello();
  input.generation_prompt = false;
  input.variables = {{"extra", 5}};
  EXPECT_EQ(ChatTemplate::of(metadata).render(input), "<s></s>False5False");
}

TEST(ChatTemplate, OneThatCannotBeParsedIsNotSupported) {
  format::Metadata metadata("file");
  metadata.set("tokenizer.chat_template", "{% for %}");
  try {
    ChatTemplate::of(metadata);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  }
}

TEST(ChatTemplate, TheStoresOneWinsInEitherLanguage) {
  format::Metadata metadata("file");
  metadata.set("tokenizer.chat_template", "file's");
  EXPECT_EQ(ChatTemplate::of(metadata).render(hello()), "file's");
  const ChatTemplate go = ChatTemplate::of(metadata, "{{ range .Messages }}<{{ .Role }}>{{ .Content }}{{ end }}");
  EXPECT_EQ(go.render(hello()), "<user>Hi<assistant>Ho");
  EXPECT_EQ(go.source(), "{{ range .Messages }}<{{ .Role }}>{{ .Content }}{{ end }}");
  EXPECT_FALSE(go.is_fallback());
  EXPECT_EQ(ChatTemplate::of(metadata, "{% for m in messages %}[{{ m.content }}]{% endfor %}").render(hello()),
            "[Hi][Ho]");
  EXPECT_EQ(ChatTemplate::of(metadata, "{{ messages[0].content }}").render(hello()), "Hi");
  try {
    ChatTemplate::of(metadata, "{{ .Prompt }");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_EQ(error.message(), "the model's TEMPLATE: line 1, column 12: unexpected character '}' in an action");
  }
}

TEST(ChatTemplate, LanguagesAreToldApart) {
  for (const char* source : {"{{ .Prompt }}", "plain", "{{ if .System }}a {% b{{ end }}",
                             "{{- range .Messages }}{{ end -}}", "{{ foo }} {{ .Bar }}"}) {
    EXPECT_EQ(language_of(source), TemplateLanguage::kGo) << source;
  }
  for (const char* source : {"{%- for m in messages %}{{ m['content'] }}{% endfor %}", "{{ messages[0]['content'] }}",
                             "{{ bos_token }}{{ messages | length }}", "{% if x %}{{ 'a' }}{% endif %}"}) {
    EXPECT_EQ(language_of(source), TemplateLanguage::kJinja) << source;
  }
}

}  // namespace
}  // namespace kinglet::chat
