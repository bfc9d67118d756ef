// Ids by tokenizer files of the data kit, as folders have them.
#include <gtest/gtest.h>

#include <string>

#include "home/system/file.h"
#include "home/system/json.h"
#include "home/system/scratch_folder.h"
#include "home/system/sha256.h"
#include "kit_files.h"
#include "run/chat/folder_words.h"

namespace kinglet::tests {
namespace {

using system::Json;

void expect_goldens(const chat::FolderWords& words, const std::string& vocabulary) {
  size_t n = 0;
  for (const std::string& line : split(unpacked(kit() + "/tokenizers/golden-tokens.jsonl.gz"), "\n")) {
    if (line.empty()) continue;
    const Json entry = Json::parse(line, "golden");
    const Json* ids = entry.at("ids").find(vocabulary);
    if (ids == nullptr) continue;
    const std::string& text = entry.at("text").as_string("text");
    EXPECT_EQ(words.tokenizer->encode(text, {.special = true}), chat::golden_ids(*ids)) << text;
    ++n;
  }
  EXPECT_GE(n, 300U);
}

class KitFolders : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(KitFolders, GiveTheGoldens) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  const system::ScratchFolder folder("kit_folder");
  const auto [file, vocabulary] = GetParam();
  folder.put("tokenizer.json", unpacked(kit() + "/tokenizers/" + file + ".tokenizer.json.gz"));
  if (std::string_view(file) == "qwen3")
    folder.put("tokenizer_config.json", system::read_file(kit() + "/tokenizers/qwen3.tokenizer_config.json", 1 << 20));
  const chat::FolderWords words(folder.path());
  expect_goldens(words, vocabulary);
}

INSTANTIATE_TEST_SUITE_P(All, KitFolders,
                         testing::Values(std::pair("qwen3", "qwen2"), std::pair("gpt-2", "gpt-2"),
                                         std::pair("bert-bge", "bert-bge")),
                         [](const auto& test) {
                           std::string name = test.param.second;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

// SentencePiece's ids of goldens' texts, a book by lines and the beginnings of 226 languages, as
// tools/make_word_digests prints them.
struct SentencePieceFile {
  const char* path;
  const char* digest;
};

class KitSentencePiece : public testing::TestWithParam<SentencePieceFile> {};

TEST_P(KitSentencePiece, GivesItsIds) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  const system::ScratchFolder folder("kit_folder");
  folder.put("tokenizer.model", unpacked(kit() + "/" + GetParam().path));
  const chat::FolderWords words(folder.path());
  system::Sha256 digest;
  size_t n = 0;
  const auto add = [&](const std::string& text) {
    std::string line;
    for (const int32_t id : words.tokenizer->encode(text)) line += str(line.empty() ? "" : " ", id);
    line += '\n';
    digest.add(line);
    ++n;
  };
  const auto each = [](const std::string& path, const auto& use) {
    for (const std::string& line : split(unpacked(kit() + path), "\n")) {
      if (!line.empty()) use(line);
    }
  };
  each("/tokenizers/golden-tokens.jsonl.gz",
       [&](const std::string& line) { add(Json::parse(line, "golden").at("text").as_string("text")); });
  each("/text/botchan.txt.gz", add);
  each("/text/udhr.jsonl.gz", [&](const std::string& line) {
    add(Json::parse(line, "udhr").at("articles").as_array("articles")[0].as_string("article"));
  });
  EXPECT_GT(n, 4000U);
  EXPECT_EQ(digest.finish().hex(), GetParam().digest);
}

INSTANTIATE_TEST_SUITE_P(
    All, KitSentencePiece,
    testing::Values(SentencePieceFile{"tokenizers/sp-unigram-en.model",
                                      "c4138025706aa7bcb0ece58c1365670781e433c9096c0a5ee3178d1d1a662e2e"},
                    SentencePieceFile{"tokenizers/mistral-v2.model.gz",
                                      "304af6878765275e588505fbe728096bb4856ca632cdeecb3e9c27f86c898db9"},
                    SentencePieceFile{"tokenizers/mistral-v3.model.gz",
                                      "304af6878765275e588505fbe728096bb4856ca632cdeecb3e9c27f86c898db9"},
                    SentencePieceFile{"models/tok512.model",
                                      "19ff99dc0bf82fd48e8ecc2639f6633468ae4c8e2d48e54c830e303db1023de6"}),
    [](const auto& test) { return str("file", test.index); });

}  // namespace
}  // namespace kinglet::tests
