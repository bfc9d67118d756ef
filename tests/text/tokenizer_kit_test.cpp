// Token ids of published vocabularies, against llama.cpp's own vectors and those of other programs (data kit,
// tokenizers/).
#include <gtest/gtest.h>

#include <string>

#include "home/system/file.h"
#include "home/system/json.h"
#include "kit_files.h"
#include "model/format/gguf.h"
#include "run/chat/vocabulary.h"

namespace kinglet::tests {
namespace {

struct Vocabulary {
  explicit Vocabulary(const std::string& name)
      : bytes(unpacked(kit() + "/tokenizers/ggml-vocab-" + name + ".gguf.gz")),
        file(format::read_gguf(std::as_bytes(std::span(bytes.data(), bytes.size())), name)),
        tokenizer(chat::make_tokenizer(*file)) {}
  std::string bytes;
  std::shared_ptr<const format::ModelFile> file;
  std::unique_ptr<const text::Tokenizer> tokenizer;
};

std::string words(const std::vector<int32_t>& ids) {
  std::string line;
  for (const int32_t id : ids) line += str(" ", id);
  return line;
}

class TokenizerVectors : public testing::TestWithParam<const char*> {};

TEST_P(TokenizerVectors, OfLlamaCpp) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  const Vocabulary vocabulary(GetParam());
  const std::string base = kit() + "/tokenizers/ggml-vocab-" + GetParam() + ".gguf";
  const auto inputs = split(system::read_file(base + ".inp", 1 << 20), "\n__ggml_vocab_test__\n");
  const auto outputs = split(system::read_file(base + ".out", 1 << 20), "\n");
  ASSERT_GE(outputs.size(), 40U);
  size_t n = 0;
  for (size_t i = 0; i < std::min(inputs.size(), outputs.size()); ++i) {
    // The inputs end with a separator; a last empty line is no case.
    if (i + 1 == outputs.size() && outputs[i].empty()) continue;
    // The lines of some files begin with a space, those of others do not.
    std::string want = outputs[i];
    if (!want.empty() && want[0] != ' ') want.insert(0, 1, ' ');
    while (want.ends_with(' ')) want.pop_back();
    EXPECT_EQ(words(vocabulary.tokenizer->encode(inputs[i])), want) << "case " << i << ": [" << inputs[i] << "]";
    ++n;
  }
  EXPECT_GE(n, 44U);
}

INSTANTIATE_TEST_SUITE_P(All, TokenizerVectors,
                         testing::Values("gpt-2", "llama-bpe", "qwen2", "llama-spm", "phi-3", "falcon", "mpt",
                                         "starcoder", "refact", "deepseek-coder", "deepseek-llm", "qwen35", "gemma-4",
                                         "bert-bge"),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

TEST(TokenizerGoldens, OfOtherPrograms) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  const std::string lines = unpacked(kit() + "/tokenizers/golden-tokens.jsonl.gz");
  for (const std::string name : {"gpt-2", "llama-bpe", "qwen2", "llama-spm", "bert-bge"}) {
    const Vocabulary vocabulary(name);
    size_t n = 0;
    size_t n_wrong = 0;
    size_t n_lossy = 0;
    for (const std::string& line : split(lines, "\n")) {
      if (line.empty()) continue;
      const auto entry = system::Json::parse(line, "golden");
      const system::Json* ids = entry.at("ids").find(name);
      if (ids == nullptr) continue;
      std::vector<int32_t> want;
      for (const auto& id : ids->as_array("ids")) want.push_back(static_cast<int32_t>(id.as_integer("id")));
      const std::string& text = entry.at("text").as_string("text");
      const auto got = vocabulary.tokenizer->encode(text, {.special = name != "llama-spm"});
      ++n;
      if (got != want && ++n_wrong <= 5)
        ADD_FAILURE() << name << " [" << text.substr(0, 200) << "]\n got" << words(got) << "\nwant" << words(want);
      if (name != "qwen2" && name != "bert-bge" && vocabulary.tokenizer->decode(got, true) != text) ++n_lossy;
    }
    EXPECT_EQ(n_wrong, 0U) << name << " of " << n;
    EXPECT_EQ(n_lossy, 0U) << name << " of " << n;
    EXPECT_GT(n, 100U);
  }
}

}  // namespace
}  // namespace kinglet::tests
