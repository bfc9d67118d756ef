// Prompts for filling in: the tokens that vocabularies have for it, and the order in which families want the parts.
#include "run/chat/infill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "home/system/test_failure.h"
#include "run/chat/vocabulary.h"

namespace kinglet::chat {
namespace {

using system::failure;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A vocabulary of letters, with these control tokens behind them from 26 on.
struct Words {
  explicit Words(const std::vector<std::string_view>& controls) : metadata("words") {
    for (char c = 'a'; c <= 'z'; ++c) letters.emplace_back(1, c);
    std::vector<std::string_view> tokens(letters.begin(), letters.end());
    std::vector<int32_t> types(tokens.size(), 1);
    tokens.insert(tokens.end(), controls.begin(), controls.end());
    types.resize(tokens.size(), 3);
    tokens.emplace_back("\xC4\x8A");  // the end of a line
    types.push_back(1);
    metadata.set("tokenizer.ggml.model", "gpt2");
    metadata.set("tokenizer.ggml.pre", "gpt-2");
    metadata.set_strings("tokenizer.ggml.tokens", tokens);
    metadata.set_strings("tokenizer.ggml.merges", {});
    metadata.set_array("tokenizer.ggml.token_type", std::span<const int32_t>(types));
  }
  [[nodiscard]] std::vector<int32_t> prompt(const Infill& infill) const {
    return infill_prompt(*text::Tokenizer::make(read_vocabulary(metadata)), metadata, infill);
  }

  std::vector<std::string> letters;
  format::Metadata metadata;
};

TEST(Infill, PrefixSuffixMiddle) {
  const Words words({"<|fim_middle|>", "<|fim_prefix|>", "<|fim_suffix|>"});
  EXPECT_THAT(words.prompt({.prefix = "ab", .suffix = "cd"}), ElementsAre(27, 0, 1, 28, 2, 3, 26));
  EXPECT_THAT(words.prompt({.prefix = "", .suffix = "", .middle = "x"}), ElementsAre(27, 28, 26, 23));
  EXPECT_THAT(find_infill_tokens(words.metadata)->all(), ElementsAre(27, 28, 26));
}

// The order of arXiv 2409.12186: the repository's name, other files with theirs, then the file itself.
TEST(Infill, OtherFilesComeFirst) {
  const Words words({"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|repo_name|>", "<|file_sep|>"});
  const int32_t line = 31;
  EXPECT_THAT(words.prompt({.prefix = "p", .suffix = "s", .files = {{"f", "x"}}, .name = "g", .repository = "r"}),
              ElementsAre(29, 17, line, 30, 5, line, 23, 30, 6, line, 26, 15, 27, 18, 28));
  EXPECT_THAT(words.prompt({.prefix = "p", .suffix = "s"}), ElementsAre(26, 15, 27, 18, 28));
}

TEST(Infill, MistralsModelsHaveTheSuffixFirst) {
  Words words({"[PREFIX]", "[SUFFIX]", "<s>"});
  words.metadata.set("tokenizer.ggml.bos_token_id", 28U);
  words.metadata.set("tokenizer.ggml.add_bos_token", true);
  EXPECT_THAT(words.prompt({.prefix = "p", .suffix = "s"}), ElementsAre(28, 27, 18, 26, 15));
}

TEST(Infill, KeysWinOverSpellings) {
  Words words({"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<a>", "<b>", "<c>"});
  words.metadata.set("tokenizer.ggml.fim_pre_token_id", 29U);
  words.metadata.set("tokenizer.ggml.fim_suf_token_id", 30U);
  words.metadata.set("tokenizer.ggml.fim_mid_token_id", 31U);
  EXPECT_THAT(words.prompt({.prefix = "p", .suffix = "s"}), ElementsAre(29, 15, 30, 18, 31));
  words.metadata.set("tokenizer.ggml.fim_pre_token_id", 99U);
  EXPECT_EQ(failure([&] { static_cast<void>(words.prompt({})); }).code(), ErrorCode::kInvalidFile);
}

TEST(Infill, TextIsNeverAControlToken) {
  const Words words({"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"});
  const std::vector<int32_t> ids = words.prompt({.prefix = "a<|fim_suffix|>", .suffix = "<|fim_middle|>b"});
  EXPECT_EQ(std::ranges::count(ids, 27), 1);
  EXPECT_EQ(std::ranges::count(ids, 28), 1);
}

TEST(Infill, AModelWithoutTheTokensIsRefused) {
  const Words words({"<|im_start|>"});
  EXPECT_FALSE(find_infill_tokens(words.metadata));
  const Error error = failure([&] { static_cast<void>(words.prompt({.prefix = "a", .suffix = "b"})); });
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_THAT(error.message(), HasSubstr("no tokens for filling in"));
}

}  // namespace
}  // namespace kinglet::chat
