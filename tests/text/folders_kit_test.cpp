// Ids by tokenizer files of the data kit, as folders have them.
#include <gtest/gtest.h>

#include <string>

#include "home/system/file.h"
#include "home/system/json.h"
#include "home/system/scratch_folder.h"
#include "kit_files.h"
#include "model/format/hf_vocabulary.h"
#include "run/chat/vocabulary.h"

namespace kinglet::tests {
namespace {

using system::Json;

// The words of a folder; the metadata owns what the tokenizer reads.
struct Words {
  explicit Words(const std::string& folder) : metadata(folder) {
    format::fill_vocabulary(folder, std::nullopt, metadata);
    tokenizer = text::Tokenizer::make(chat::read_vocabulary(metadata));
  }
  format::Metadata metadata;
  std::unique_ptr<const text::Tokenizer> tokenizer;
};

std::vector<int32_t> ids_of(const Json& json) {
  std::vector<int32_t> ids;
  for (const Json& id : json.as_array("ids")) ids.push_back(static_cast<int32_t>(id.as_integer("id")));
  return ids;
}

void expect_goldens(const Words& words, const std::string& vocabulary) {
  size_t n = 0;
  for (const std::string& line : split(unpacked(kit() + "/tokenizers/golden-tokens.jsonl.gz"), "\n")) {
    if (line.empty()) continue;
    const Json entry = Json::parse(line, "golden");
    const Json* ids = entry.at("ids").find(vocabulary);
    if (ids == nullptr) continue;
    const std::string& text = entry.at("text").as_string("text");
    EXPECT_EQ(words.tokenizer->encode(text, {.special = true}), ids_of(*ids)) << text;
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
  const Words words(folder.path());
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

}  // namespace
}  // namespace kinglet::tests
