// Ids by the words of folders: small ones (tests/golden/folders, made by tools/make_folder_goldens), whose ids are
// those of Hugging Face's tokenizers and SentencePiece, and the data kit's.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "home/system/file.h"
#include "home/system/json.h"
#include "model/format/hf_vocabulary.h"
#include "run/chat/vocabulary.h"

namespace kinglet::chat {
namespace {

using system::Json;

// The words of a folder; the metadata owns what the tokenizer reads.
struct Words {
  explicit Words(const std::string& folder) : metadata(folder) {
    format::fill_vocabulary(folder, std::nullopt, metadata);
    tokenizer = text::Tokenizer::make(read_vocabulary(metadata));
  }
  format::Metadata metadata;
  std::unique_ptr<const text::Tokenizer> tokenizer;
};

std::vector<int32_t> ids_of(const Json& json) {
  std::vector<int32_t> ids;
  for (const Json& id : json.as_array("ids")) ids.push_back(static_cast<int32_t>(id.as_integer("id")));
  return ids;
}

std::string goldens() {
  const char* source = std::getenv("KINGLET_SOURCE");
  return std::string(source == nullptr ? "." : source) + "/tests/golden/folders/";
}

class Folders : public testing::TestWithParam<const char*> {};

TEST_P(Folders, GiveTheIdsOfTheirOwnPrograms) {
  const std::string folder = goldens() + GetParam();
  const Words words(folder);
  size_t n = 0;
  const std::string lines = system::read_file(folder + "/ids.jsonl", 1 << 20);
  for (size_t begin = 0; begin < lines.size(); begin = lines.find('\n', begin) + 1) {
    const std::string line = lines.substr(begin, lines.find('\n', begin) - begin);
    const Json entry = Json::parse(line, "ids.jsonl");
    const auto& row = entry.as_array("row");
    const std::string& text = row[0].as_string("text");
    // SentencePiece reads no control tokens from text.
    EXPECT_EQ(words.tokenizer->encode(text, {.special = !row[2].is_null()}), ids_of(row[1])) << text;
    if (!row[2].is_null()) {
      EXPECT_EQ(words.tokenizer->encode(text, {.special = true, .bos = true}), ids_of(row[2])) << text;
    }
    ++n;
  }
  EXPECT_GE(n, 50U);
}

INSTANTIATE_TEST_SUITE_P(All, Folders,
                         testing::Values("gpt2", "llama3", "qwen", "smollm", "gpt4", "roberta", "patterns", "bert",
                                         "bert_cased", "llama2", "gemma", "unigram", "sp_unigram", "sp_unigram_bytes",
                                         "sp_bpe", "sp_bpe_joined"),
                         [](const auto& test) { return std::string(test.param); });

// Of tokens that take blanks around them, or stand by themselves alone.
INSTANTIATE_TEST_SUITE_P(Rules, Folders, testing::Values("added"),
                         [](const auto& test) { return std::string(test.param); });

std::string name_of_cuts(const std::string& folder) {
  format::Metadata metadata(folder);
  format::fill_vocabulary(goldens() + folder, std::nullopt, metadata);
  return std::string(metadata.require<std::string_view>("tokenizer.ggml.pre"));
}

TEST(FolderKeys, AreThoseOfTheField) {
  for (const auto& [folder, name] :
       {std::pair("gpt2", "gpt-2"), std::pair("llama3", "llama-bpe"), std::pair("qwen", "qwen2"),
        std::pair("smollm", "smollm"), std::pair("gpt4", "dbrx"), std::pair("patterns", "default"),
        std::pair("bert", "bert-bge"), std::pair("llama2", "default")}) {
    EXPECT_EQ(name_of_cuts(folder), name) << folder;
  }
  const Words qwen(goldens() + "qwen");
  const int64_t end = qwen.metadata.require<int64_t>("tokenizer.ggml.eos_token_id");
  EXPECT_EQ(qwen.tokenizer->spec().tokens[static_cast<size_t>(end)], "<|im_end|>");
  EXPECT_EQ(qwen.metadata.find("tokenizer.kinglet.normalizers"), nullptr);
  const Words patterns(goldens() + "patterns");
  EXPECT_EQ(patterns.tokenizer->spec().normalizers->size(), 3U);
  format::Metadata padded("padded");
  format::fill_vocabulary(goldens() + "gpt2", 500, padded);
  const format::Array* tokens = padded.string_array("tokenizer.ggml.tokens");
  ASSERT_EQ(tokens->size, 500U);
  EXPECT_EQ(tokens->string(499), "[PAD499]");
}

}  // namespace
}  // namespace kinglet::chat
