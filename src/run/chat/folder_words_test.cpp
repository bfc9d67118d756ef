// Ids by the words of folders: small ones (tests/golden/folders, made by tools/make_folder_goldens), whose ids are
// those of Hugging Face's tokenizers, SentencePiece and tiktoken, and the data kit's.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "home/system/file.h"
#include "home/system/json.h"
#include "home/system/scratch_folder.h"
#include "model/format/hf_vocabulary.h"
#include "run/chat/folder_words.h"

namespace kinglet::chat {
namespace {

using system::Json;

std::string goldens() {
  const char* source = std::getenv("KINGLET_SOURCE");
  return std::string(source == nullptr ? "." : source) + "/tests/golden/folders/";
}

class Folders : public testing::TestWithParam<const char*> {};

TEST_P(Folders, GiveTheIdsOfTheirOwnPrograms) {
  const std::string folder = goldens() + GetParam();
  const FolderWords words(folder);
  size_t n = 0;
  const std::string lines = system::read_file(folder + "/ids.jsonl", 1 << 20);
  for (size_t begin = 0; begin < lines.size(); begin = lines.find('\n', begin) + 1) {
    const std::string line = lines.substr(begin, lines.find('\n', begin) - begin);
    const Json entry = Json::parse(line, "ids.jsonl");
    const auto& row = entry.as_array("row");
    const std::string& text = row[0].as_string("text");
    // SentencePiece reads no control tokens from text.
    EXPECT_EQ(words.tokenizer->encode(text, {.special = !row[2].is_null()}), golden_ids(row[1])) << text;
    if (!row[2].is_null()) {
      EXPECT_EQ(words.tokenizer->encode(text, {.special = true, .bos = true}), golden_ids(row[2])) << text;
    }
    ++n;
  }
  EXPECT_GE(n, 50U);
}

INSTANTIATE_TEST_SUITE_P(All, Folders,
                         testing::Values("gpt2", "llama3", "qwen", "smollm", "gpt4", "roberta", "patterns", "bert",
                                         "bert_cased", "llama2", "gemma", "unigram", "sp_unigram", "sp_unigram_bytes",
                                         "sp_bpe", "sp_bpe_joined", "tekken"),
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
        std::pair("bert", "bert-bge"), std::pair("llama2", "default"), std::pair("tekken", "tekken")}) {
    EXPECT_EQ(name_of_cuts(folder), name) << folder;
  }
  const FolderWords qwen(goldens() + "qwen");
  const int64_t end = qwen.metadata.require<int64_t>("tokenizer.ggml.eos_token_id");
  EXPECT_EQ(qwen.tokenizer->spec().tokens[static_cast<size_t>(end)], "<|im_end|>");
  EXPECT_EQ(qwen.metadata.find("tokenizer.kinglet.normalizers"), nullptr);
  const FolderWords patterns(goldens() + "patterns");
  EXPECT_EQ(patterns.tokenizer->spec().normalizers->size(), 3U);
  format::Metadata padded("padded");
  format::fill_vocabulary(goldens() + "gpt2", 500, padded);
  const format::Array* tokens = padded.string_array("tokenizer.ggml.tokens");
  ASSERT_EQ(tokens->size, 500U);
  EXPECT_EQ(tokens->string(499), "[PAD499]");
}

TEST(FolderKeys, OfTekken) {
  const FolderWords tekken(goldens() + "tekken");
  const text::VocabularySpec& spec = tekken.tokenizer->spec();
  EXPECT_EQ(spec.tokens[3], "[INST]");
  EXPECT_EQ(spec.tokens[23], "<SPECIAL_23>");
  EXPECT_EQ(spec.types[23], text::TokenType::kControl);
  EXPECT_EQ(spec.tokens[24], "\xC4\x80");  // the byte 0
  EXPECT_EQ(tekken.tokenizer->encode("[INST]", {.special = true, .bos = true}), (std::vector<int32_t>{1, 3}));
  EXPECT_EQ(spec.eos, 2);
  EXPECT_EQ(spec.unknown, 0);
}

// A folder with one file, changed.
void expect_refused(const std::string& name, const std::string& bytes, const std::string& message) {
  const system::ScratchFolder folder("words");
  folder.put(name, bytes);
  try {
    const FolderWords words(folder.path());
    ADD_FAILURE() << "taken; expected " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(),
              message.find("supported") == std::string::npos ? ErrorCode::kInvalidFile : ErrorCode::kUnsupported);
    EXPECT_NE(error.message().find(message), std::string::npos) << error.message();
  }
}

TEST(FolderKeys, DamagedTekkenIsRefused) {
  const std::string whole = system::read_file(goldens() + "tekken/tekken.json", 1 << 20);
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  const auto refuse = [](const std::string& text, const std::string& message) {
    expect_refused("tekken.json", text, message);
  };
  refuse(changed("\"AA==\"", "\"AAA=\""), "vocab[0]: has 2 bytes, expected 1");
  refuse(changed("\"AA==\"", "\"AQ==\""), "vocab[1]: ");
  refuse(changed("\"AA==\"", "\"A*==\""), "is no base64");
  refuse(changed("{\"rank\": 7,", "{\"rank\": 8,"), "vocab[7]: has rank 8");
  refuse(changed("\"default_num_special_tokens\": 24", "\"default_num_special_tokens\": 2400"), "2400 are special");
  refuse(changed("\"default_num_special_tokens\": 24", "\"default_num_special_tokens\": -1"), "is -1");
  refuse(changed("\"default_num_special_tokens\": 24", "\"default_num_special_tokens\": 3"), "vocabulary has 3");
  refuse(changed("\"config\"", "\"other\""), "config: is missing");
  refuse(whole.substr(0, whole.size() / 2), "tekken.json");
  // Three letters in a row that no other token ends in.
  refuse(changed(
             whole.substr(whole.find("{\"rank\": 256,"), whole.find("{\"rank\": 257,") - whole.find("{\"rank\": 256,")),
             "{\"rank\": 256, \"token_bytes\": \"AAAA\"}, "),
         "vocab[256]: \\x00\\x00\\x00 is not made of two other tokens");
}

// The fields of protobuf: a number and bytes, bytes of a length.
std::string field(unsigned number, const std::string& bytes) {
  return std::string(1, static_cast<char>(number << 3U | 2U)) + static_cast<char>(bytes.size()) + bytes;
}
std::string number_field(unsigned number, unsigned value) {
  return std::string(1, static_cast<char>(number << 3U)) + static_cast<char>(value);
}

TEST(FolderKeys, DamagedSentencePieceIsRefused) {
  const std::string whole = system::read_file(goldens() + "sp_unigram/tokenizer.model", 1 << 20);
  // Cut at each place: what is read is whole words, or an error.
  size_t n_refused = 0;
  for (size_t length = 0; length < whole.size(); length += 31) {
    const system::ScratchFolder folder("words");
    folder.put("tokenizer.model", whole.substr(0, length));
    try {
      const FolderWords words(folder.path());
      static_cast<void>(words.tokenizer->encode("A kinglet sings."));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidFile) << error.message();
      ++n_refused;
    }
  }
  EXPECT_GT(n_refused, whole.size() / 40);
  const auto refuse = [](const std::string& bytes, const std::string& message) {
    expect_refused("tokenizer.model", bytes, message);
  };
  const std::string unknown = field(1, field(1, "<unk>") + number_field(3, 2));
  refuse("", "has no pieces");
  refuse(std::string(11, '\xFF'), "more than ten bytes");
  refuse("\x0B", "has wire type 3");
  refuse(field(1, field(1, "a") + number_field(3, 9)), "piece 0 has type 9, expected 1 to 6");
  refuse(unknown + field(2, number_field(3, 3)), "a model of kind Word is not supported; supported: BPE, Unigram");
  refuse(unknown + field(2, number_field(3, 4)), "a model of kind Char is not supported");
  refuse(unknown + field(2, number_field(3, 100)), "a model of kind unknown is not supported");
  refuse(unknown + field(3, number_field(5, 0)), "spaces that are no marks in front of words are not supported");
  refuse(unknown + field(3, field(2, "abc")), "table of normalization: has 3 bytes");
  refuse(unknown + field(3, field(2, std::string("\x08\0\0\0abcd", 8))),
         "says that its array has 8 bytes, 4 are there");
  refuse(unknown + field(3, field(2, std::string("\x04\0\0\0abcdend", 11))), "its last text has no end");
}

}  // namespace
}  // namespace kinglet::chat
