#include "run/chat/end_tokens.h"

#include <gtest/gtest.h>

#include "run/chat/tiny_vocabulary.h"

namespace kinglet::chat {
namespace {

using Ids = std::vector<int32_t>;

ChatTemplate jinja(std::string source) { return {TemplateLanguage::kJinja, std::move(source), "template"}; }

TEST(EndTokens, AsTheFileSaysAndBySpelling) {
  const TinyVocabulary vocabulary({"<s>", "</s>", "<|eot_id|>", "<other>"});
  format::Metadata metadata("file");
  metadata.set("tokenizer.ggml.eos_token_id", 259);
  const std::vector<uint32_t> more = {259, 7, 99999};
  metadata.set_array("kinglet.eos_token_ids", std::span<const uint32_t>(more));
  EXPECT_EQ(end_tokens_of(metadata, vocabulary.tokenizer()), (Ids{259, 7, 258, 257}));
}

// gpt-oss writes <|end|> behind its thoughts, and goes on.
TEST(EndTokens, TheEndOfAMessageIsNotThatOfAnAnswer) {
  const TinyVocabulary harmony({"<|return|>", "<|call|>", "<|end|>"});
  const TinyVocabulary phi({"<|end|>", "<|assistant|>"});
  const TinyVocabulary gemma({"</s>", "<turn|>", "<|tool_response>"});
  const format::Metadata metadata("file");
  EXPECT_EQ(end_tokens_of(metadata, harmony.tokenizer()), (Ids{256, 257}));
  EXPECT_EQ(end_tokens_of(metadata, phi.tokenizer()), Ids{256});
  EXPECT_EQ(end_tokens_of(metadata, gemma.tokenizer()), (Ids{257, 258}));
}

TEST(EndTokens, WhatTheTemplatePutsBehindAnAnswer) {
  const TinyVocabulary vocabulary({"<bot>", "<stop>"});
  const format::Metadata metadata("file");
  const auto ends = [&](const std::string& source) {
    const ChatTemplate chat = jinja(source);
    return end_tokens_of(metadata, vocabulary.tokenizer(), &chat);
  };
  EXPECT_EQ(ends("{% for m in messages %}<bot>{{ m.content }}<stop>{% endfor %}"), Ids{257});
  EXPECT_EQ(ends("{% for m in messages %}<bot>{{ m.content }}{{ '\\n' }}<stop>{% endfor %}"), Ids{257});
  EXPECT_EQ(ends("{% for m in messages %}<bot>{{ m.content }}{% endfor %}"), Ids{});
  EXPECT_EQ(ends("{% for m in messages %}{{ m.content }} end <stop>{% endfor %}"), Ids{});
  EXPECT_EQ(ends("{{ raise_exception('no') }}"), Ids{});
  EXPECT_EQ(ends("<stop>"), Ids{});
}

}  // namespace
}  // namespace kinglet::chat
