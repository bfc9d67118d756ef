#include "run/chat/embedding_words.h"

#include <gtest/gtest.h>

#include <array>

#include "run/chat/tiny_vocabulary.h"

namespace kinglet::chat {
namespace {

class Words : public testing::Test {
 protected:
  void set_prompts() {
    const std::array<std::string_view, 2> names = {"query", "document"};
    const std::array<std::string_view, 2> texts = {"search: ", ""};
    metadata.set_strings("kinglet.embedding.prompt_names", names);
    metadata.set_strings("kinglet.embedding.prompts", texts);
  }
  std::string refusal(ErrorCode code) {
    try {
      static_cast<void>(EmbeddingWords::of(metadata));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      return error.message();
    }
    return "none";
  }

  const TinyVocabulary vocabulary{{"<|end|>"}};
  format::Metadata metadata{"words"};
};

TEST_F(Words, OfFilesThatSayNothing) {
  const EmbeddingWords words = EmbeddingWords::of(metadata);
  EXPECT_FALSE(words.max_tokens);
  EXPECT_EQ(words.default_prompt, "");
  EXPECT_EQ(words.ids(vocabulary.tokenizer(), "bird"), vocabulary.tokenizer().encode("bird"));
  EXPECT_THROW(static_cast<void>(words.prompt("query")), Error);
}

TEST_F(Words, PromptsByName) {
  set_prompts();
  EXPECT_EQ(EmbeddingWords::of(metadata).default_prompt, "");
  metadata.set("kinglet.embedding.default_prompt", "query");
  const EmbeddingWords words = EmbeddingWords::of(metadata);
  EXPECT_EQ(words.default_prompt, "search: ");
  EXPECT_EQ(words.prompt("document"), "");
  EXPECT_EQ(words.prompt("query"), "search: ");
  try {
    static_cast<void>(words.prompt("passage"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "prompt passage: the model has only query, document");
  }
}

TEST_F(Words, TextsAreCutBehindTheLastTokenThatFits) {
  metadata.set("kinglet.embedding.max_tokens", uint32_t{3});
  const EmbeddingWords words = EmbeddingWords::of(metadata);
  EXPECT_EQ(words.ids(vocabulary.tokenizer(), "bird"), vocabulary.tokenizer().encode("bir"));
  EXPECT_EQ(words.ids(vocabulary.tokenizer(), "bir"), vocabulary.tokenizer().encode("bir"));
}

TEST_F(Words, KeysThatContradictEachOtherAreRefused) {
  metadata.set("kinglet.embedding.max_tokens", uint32_t{0});
  EXPECT_NE(refusal(ErrorCode::kInvalidFile).find("expected at least 1"), std::string::npos);
  metadata.set("kinglet.embedding.max_tokens", uint32_t{8});
  set_prompts();
  metadata.set("kinglet.embedding.default_prompt", "passage");
  EXPECT_NE(refusal(ErrorCode::kInvalidFile).find("is none of"), std::string::npos);
  const std::array<std::string_view, 1> one = {"query"};
  metadata.set_strings("kinglet.embedding.prompt_names", one);
  EXPECT_NE(refusal(ErrorCode::kInvalidFile).find("one text for each"), std::string::npos);
}

}  // namespace
}  // namespace kinglet::chat
