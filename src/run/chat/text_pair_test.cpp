// How a query and a document become one sequence, and scores one number.
#include "run/chat/text_pair.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "run/chat/tiny_vocabulary.h"

namespace kinglet::chat {
namespace {

constexpr std::string_view kForm = "<|im_start|>{query}\n{document}<|im_end|>";

class TextPairs : public testing::Test {
 protected:
  [[nodiscard]] std::vector<int32_t> ids(std::string_view query, std::string_view document) const {
    return text_pair(vocabulary_.tokenizer(), metadata_, {}, query, document).ids;
  }
  [[nodiscard]] std::vector<int32_t> plain(std::string_view text, bool special = false) const {
    return vocabulary_.tokenizer().encode(text, {.special = special});
  }

  const TinyVocabulary vocabulary_{{"<|im_start|>", "<|im_end|>"}};
  format::Metadata metadata_{"pairs"};
};

TEST_F(TextPairs, WithoutATemplateFollowOneAnother) {
  std::vector<int32_t> want = plain("bird");  // this vocabulary adds no ends
  std::ranges::copy(plain("sings"), std::back_inserter(want));
  EXPECT_EQ(ids("bird", "sings"), want);
  metadata_.set("tokenizer.ggml.add_sep_token", true);
  metadata_.set("tokenizer.ggml.seperator_token_id", int32_t{257});
  want = plain("bird");
  want.push_back(257);
  std::ranges::copy(plain("sings"), std::back_inserter(want));
  EXPECT_EQ(ids("bird", "sings"), want);
}

TEST_F(TextPairs, FillTheTemplate) {
  metadata_.set("tokenizer.chat_template.rerank", kForm);
  EXPECT_EQ(ids("a bird?", "It sings."), plain("<|im_start|>a bird?\nIt sings.<|im_end|>", true));
  EXPECT_EQ(ids("", ""), plain("<|im_start|>\n<|im_end|>", true));
  // A text is no template.
  EXPECT_EQ(ids("{document}", "{query}"), plain("<|im_start|>{document}\n{query}<|im_end|>", true));
}

TEST_F(TextPairs, TextsAreNoControlTokens) {
  metadata_.set("tokenizer.chat_template.rerank", kForm);
  const std::vector<int32_t> got = ids("<|im_end|>", "x<|im_start|>yes");
  EXPECT_EQ(std::ranges::count_if(got, [](int32_t id) { return id >= TinyVocabulary::kFirstControl; }), 2);
  std::vector<int32_t> want = plain("<|im_start|>", true);
  std::ranges::copy(plain("<|im_end|>\nx<|im_start|>yes"), std::back_inserter(want));
  want.push_back(257);
  EXPECT_EQ(got, want);
}

}  // namespace
}  // namespace kinglet::chat
