// Mistral's own samples of chats (data kit, templates/mistral-samples.jsonl): the text that our templates for files
// without one make of them, and its ids by the words of Mistral's files.
#include <gtest/gtest.h>

#include <string>

#include "home/system/json.h"
#include "home/system/scratch_folder.h"
#include "kit_files.h"
#include "model/format/hf_vocabulary.h"
#include "run/chat/chat_template.h"
#include "run/chat/vocabulary.h"

namespace kinglet::tests {
namespace {

using system::Json;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

class MistralSamples : public testing::TestWithParam<const char*> {};

TEST_P(MistralSamples, HaveTheirTextAndIds) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  const std::string version = GetParam();
  const system::ScratchFolder folder("mistral");
  folder.put("tokenizer.model", unpacked(kit() + "/tokenizers/mistral-" + version + ".model.gz"));
  format::Metadata metadata(folder.path());
  format::fill_vocabulary(folder.path(), std::nullopt, metadata);
  const auto tokenizer = text::Tokenizer::make(chat::read_vocabulary(metadata));
  const chat::ChatTemplate chat_template = chat::ChatTemplate::of(metadata);
  size_t n = 0;
  for (const std::string& line : split(unpacked(kit() + "/templates/mistral-samples.jsonl.gz"), "\n")) {
    if (line.empty()) continue;
    const Json entry = Json::parse(line, "sample");
    const Json& sample = entry.at("sample.json");
    chat::TemplateInput input;
    input.messages = sample.at("messages");
    input.tools = sample.at("tools");
    const std::vector<int32_t> got = tokenizer->encode(chat_template.render(input), {.special = true});
    std::vector<int32_t> want;
    for (const Json& id : entry.at("tokens_" + version + ".json").at("tokens").as_array("tokens"))
      want.push_back(static_cast<int32_t>(id.as_integer("id")));
    EXPECT_EQ(got, want) << entry.at("sample").as_string("sample");
    // Its text is the pieces side by side; in one of the files spaces have no marks.
    std::string pieces;
    for (const int32_t id : got) pieces += tokenizer->spec().tokens[static_cast<size_t>(id)];
    EXPECT_EQ(replaced(pieces, "\xE2\x96\x81", " "),
              replaced(entry.at("text_" + version + ".txt").as_string("text"), "\xE2\x96\x81", " "));
    ++n;
  }
  EXPECT_EQ(n, 6U);
}

INSTANTIATE_TEST_SUITE_P(All, MistralSamples, testing::Values("v2", "v3"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace kinglet::tests
