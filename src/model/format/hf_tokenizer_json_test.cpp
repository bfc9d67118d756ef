// What is refused of a tokenizer.json, and how; ids by such files stand in run/chat/folder_words_test.cpp.
#include "model/format/hf_tokenizer_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/base.h"
#include "home/system/scratch_folder.h"
#include "model/format/file_json.h"

namespace kinglet::format {
namespace {

using system::Json;
using testing::HasSubstr;
using enum ErrorCode;

constexpr uint64_t kLimit = 100;

constexpr std::string_view kBpe = R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]})";
constexpr std::string_view kWordPiece =
    R"({"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","vocab":{"[UNK]":0,"a":1}})";
constexpr std::string_view kUnigram = R"({"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["a",-1.5]]})";
constexpr std::string_view kBytes = R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":true})";
constexpr std::string_view kBert = R"({"type":"BertPreTokenizer"})";

// A whole file: a model, and the parts that differ.
struct Parts {
  std::string_view model = kBpe;
  std::string_view normalizer = "null";
  std::string_view pre_tokenizer = kBytes;
  std::string_view decoder = "null";
  std::string_view post_processor = "null";
  std::string_view added = "[]";
};

HfVocabulary read(const Parts& parts) {
  const std::string text = str(R"({"model":)", parts.model, R"(,"normalizer":)", parts.normalizer,
                               R"(,"pre_tokenizer":)", parts.pre_tokenizer, R"(,"decoder":)", parts.decoder,
                               R"(,"post_processor":)", parts.post_processor, R"(,"added_tokens":)", parts.added, "}");
  return reading_json(
      "t.json", [&] { return read_tokenizer_json(Json::parse(text, "t.json", {.max_depth = 32}), "t.json", kLimit); });
}

std::string refusal(const Parts& parts, ErrorCode code) {
  try {
    read(parts);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.message();
    return error.message();
  }
  ADD_FAILURE() << "was read";
  return "";
}

// One that is not known: where it stands, its name, and those that are.
TEST(TokenizerJson, UnknownComponentsAreNamed) {
  EXPECT_EQ(refusal({.model = R"({"type":"WordLevel","vocab":{}})"}, kUnsupported),
            "t.json: model: WordLevel is not supported; supported: BPE, Unigram, WordPiece");
  EXPECT_THAT(refusal({.normalizer = R"({"type":"Nmt"})"}, kUnsupported),
              HasSubstr("t.json: normalizer: Nmt is not supported; supported: BertNormalizer, Lowercase, NFC"));
  EXPECT_THAT(refusal({.normalizer = R"({"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"ByteLevel"}]})"},
                      kUnsupported),
              HasSubstr("t.json: normalizer[1]: ByteLevel is not supported"));
  EXPECT_THAT(refusal({.pre_tokenizer = R"({"type":"UnicodeScripts"})"}, kUnsupported),
              HasSubstr("t.json: pre_tokenizer: UnicodeScripts is not supported; supported: BertPreTokenizer"));
  // It cuts punctuation from words, too, which WhitespaceSplit does not.
  EXPECT_THAT(refusal({.model = kUnigram, .pre_tokenizer = R"({"type":"Whitespace"})"}, kUnsupported),
              HasSubstr("pre_tokenizer: Whitespace is not supported"));
  EXPECT_THAT(refusal({.decoder = R"({"type":"CTC"})"}, kUnsupported),
              HasSubstr("t.json: decoder: CTC is not supported; supported: "));
  EXPECT_THAT(refusal({.post_processor = R"({"type":"Other"})"}, kUnsupported),
              HasSubstr("t.json: post_processor: Other is not supported; supported: BertProcessing"));
  const std::string escape = refusal({.normalizer = "{\"type\":\"a\\u001b[31m\"}"}, kUnsupported);
  EXPECT_EQ(escape.find('\x1B'), std::string::npos) << escape;
}

TEST(TokenizerJson, SettingsThatWouldChangeIdsAreRefused) {
  const auto bpe_with = [](std::string_view more) {
    return refusal({.model = str(R"({"type":"BPE","vocab":{"a":0},"merges":[],)", more, "}")}, kUnsupported);
  };
  EXPECT_THAT(bpe_with(R"("dropout":0.1)"), HasSubstr("dropout"));
  EXPECT_THAT(bpe_with(R"("end_of_word_suffix":"</w>")"), HasSubstr("end_of_word_suffix"));
  EXPECT_THAT(refusal({.pre_tokenizer = "null"}, kUnsupported), HasSubstr("without bytes"));
  EXPECT_THAT(refusal({.pre_tokenizer = R"({"type":"Split","pattern":{"Regex":"a"},"behavior":"MergedWithNext"})"},
                      kUnsupported),
              HasSubstr("Split: with behavior MergedWithNext is not supported; supported: Isolated, and Removed"));
  EXPECT_THAT(refusal({.normalizer = R"({"type":"Replace","pattern":{"String":"x"},"content":"y"})"}, kUnsupported),
              HasSubstr("Replace: of x by y is not supported"));
  EXPECT_THAT(refusal({.normalizer = R"({"type":"Prepend","prepend":"x"})"}, kUnsupported), HasSubstr("Prepend"));
  EXPECT_THAT(refusal({.pre_tokenizer = R"({"type":"Metaspace","replacement":"_"})"}, kUnsupported),
              HasSubstr("Metaspace: with another sign"));
  EXPECT_THAT(refusal({.decoder = R"({"type":"Replace","pattern":{"String":"x"},"content":"y"})"}, kUnsupported),
              HasSubstr("decoder: Replace"));
  EXPECT_THAT(refusal({.model = kWordPiece}, kUnsupported), HasSubstr("only BertPreTokenizer"));
  EXPECT_THAT(refusal({.model = kUnigram}, kUnsupported), HasSubstr("in front of Unigram"));
  EXPECT_THAT(refusal({.post_processor = R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"a"}},)"
                                         R"({"SpecialToken":{"id":"b"}},{"Sequence":{"id":"A"}}]})"},
                      kUnsupported),
              HasSubstr("more than one token before or behind"));
  EXPECT_THAT(refusal({.normalizer = R"({"type":"Lowercase"})",
                       .added = R"([{"id":3,"content":"New","special":false,"normalized":true}])"},
                      kUnsupported),
              HasSubstr("t.json: added_tokens: New: normalized"));
}

TEST(TokenizerJson, ContradictionsAreNamed) {
  const auto bpe = [](std::string_view vocab, std::string_view merges) {
    return refusal({.model = str(R"({"type":"BPE","vocab":)", vocab, R"(,"merges":)", merges, "}")}, kInvalidFile);
  };
  EXPECT_EQ(bpe(R"({"a":0,"b":1})", R"(["a c"])"),
            "t.json: model.merges: merge 0, a c, is not of two tokens of the vocabulary");
  EXPECT_THAT(bpe(R"({"a":0})", R"(["a"])"), HasSubstr("merge 0"));
  EXPECT_THAT(bpe(R"({"a":0})", R"([["a"]])"), HasSubstr("merge 0 has 1 parts, expected 2"));
  EXPECT_THAT(bpe(R"({"a":0})", R"([7])"), HasSubstr("merges"));
  EXPECT_EQ(bpe(R"({"a":0,"b":0})", "[]"), "t.json: model.vocab: id 0 is a and b");
  EXPECT_EQ(bpe(R"({"a":100})", "[]"), "t.json: model.vocab: a has id 100, the vocabulary has 100");
  EXPECT_THAT(bpe(R"({"a":-1})", "[]"), HasSubstr("id -1"));
  EXPECT_THAT(bpe(R"({"a":1e30})", "[]"), HasSubstr("t.json"));
  EXPECT_THAT(bpe(R"(["a"])", "[]"), HasSubstr("vocab"));
  EXPECT_THAT(refusal({.added = R"([{"id":0,"content":"x"}])"}, kInvalidFile),
              HasSubstr("added_tokens: id 0 is x, in the vocabulary it is a"));
  EXPECT_THAT(refusal({.added = R"([{"id":3,"content":"x"},{"id":4,"content":"x"}])"}, kInvalidFile),
              HasSubstr("added_tokens: x has ids 3 and 4"));
  EXPECT_THAT(refusal({.added = R"([{"id":4000000000,"content":"x"}])"}, kInvalidFile), HasSubstr("id 4000000000"));
  EXPECT_THAT(
      refusal({.model = R"({"type":"Unigram","unk_id":5,"vocab":[["a",0]]})", .pre_tokenizer = "null"}, kInvalidFile),
      HasSubstr("unk_id: is 5 of 1 tokens"));
  EXPECT_THAT(refusal({.model = R"({"type":"Unigram","vocab":[["a"]]})", .pre_tokenizer = "null"}, kInvalidFile),
              HasSubstr("entry 0 has 1 parts"));
  EXPECT_THAT(
      refusal({.model = R"({"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","vocab":{}})",
               .pre_tokenizer = kBert},
              kInvalidFile),
      HasSubstr("unk_token: [UNK] is not in the vocabulary"));
  EXPECT_THAT(refusal({.post_processor = R"({"type":"RobertaProcessing","cls":["x",0],"sep":["a",0]})"}, kInvalidFile),
              HasSubstr("its token x is not in the vocabulary"));
  EXPECT_THAT(refusal({.normalizer = R"({"type":"Precompiled","precompiled_charsmap":"*"})"}, kInvalidFile),
              HasSubstr("base64"));
  std::string many = R"({"type":"Sequence","normalizers":[)";
  for (size_t i = 0; i < 65; ++i) many += str(i == 0 ? "" : ",", R"({"type":"NFC"})");
  EXPECT_THAT(refusal({.normalizer = many + "]}"}, kInvalidFile), HasSubstr("at most 64"));
}

TEST(TokenizerJson, SequencesWithinSequencesAreOne) {
  const HfVocabulary made = read(
      {.normalizer =
           R"({"type":"Sequence","normalizers":[{"type":"Sequence","normalizers":[{"type":"NFD"}]},{"type":"Lowercase"}]})"});
  EXPECT_EQ(made.normalizers, (std::vector<std::string>{"nfd", "lowercase"}));
}

TEST(TokenizerJson, RulesOfAddedTokens) {
  const HfVocabulary made = read({.added = R"([{"id":3,"content":"<m>","special":true,"lstrip":true},)"
                                           R"({"id":5,"content":"w","rstrip":true,"single_word":true}])"});
  EXPECT_TRUE(made.tokens[3].strips_left);
  EXPECT_FALSE(made.tokens[3].strips_right);
  EXPECT_TRUE(made.tokens[5].strips_right);
  EXPECT_TRUE(made.tokens[5].single_word);
  Metadata metadata("words");
  made.write(metadata);
  EXPECT_EQ(metadata.number_array("tokenizer.kinglet.strips_left")->integer(0), 3);
  EXPECT_EQ(metadata.number_array("tokenizer.kinglet.single_words")->integer(0), 5);
}

// Some names of cuts imply in other programs that a text begins with bos; a folder that adds none says so.
TEST(TokenizerJson, NothingIsAddedUnlessTheFolderSaysIt) {
  const system::ScratchFolder folder("words");
  folder.put("tokenizer.json", str(R"({"model":)", kBpe, R"(,"pre_tokenizer":)", kBytes, "}"));
  const auto adds_bos = [&] {
    Metadata metadata("words");
    fill_vocabulary(folder.path(), std::nullopt, metadata);
    return metadata.get<bool>("tokenizer.ggml.add_bos_token");
  };
  EXPECT_EQ(adds_bos(), false);
  folder.put("tokenizer_config.json", R"({"add_bos_token":true})");
  EXPECT_EQ(adds_bos(), true);
}

TEST(FolderTemplates, OthersStandBesideTheMainOneWhereverThatIs) {
  const system::ScratchFolder folder("templates");
  folder.put("additional_chat_templates/tool_use.jinja", "of the folder");
  folder.put("additional_chat_templates/notes.txt", "none");
  const auto read = [&] {
    Metadata metadata("words");
    fill_vocabulary(folder.path(), std::nullopt, metadata);
    return metadata;
  };
  const auto text = [](const Metadata& metadata, std::string_view key) {
    return metadata.get<std::string_view>(key).value_or("none");
  };
  const Metadata alone = read();
  EXPECT_EQ(text(alone, "tokenizer.chat_template"), "none");
  EXPECT_EQ(text(alone, "tokenizer.chat_template.tool_use"), "of the folder");
  EXPECT_EQ(alone.array("tokenizer.chat_templates")->size, 1U);
  folder.put("tokenizer_config.json", R"({"chat_template":"main"})");
  EXPECT_EQ(text(read(), "tokenizer.chat_template"), "main");
  EXPECT_EQ(text(read(), "tokenizer.chat_template.tool_use"), "of the folder");
  folder.put("tokenizer_config.json", R"({"chat_template":[{"name":"default","template":"main"},)"
                                      R"({"name":"tool_use","template":"of the list"}]})");
  EXPECT_EQ(text(read(), "tokenizer.chat_template.tool_use"), "of the list");
  folder.put("chat_template.jinja", "a file");
  EXPECT_EQ(text(read(), "tokenizer.chat_template"), "a file");
  EXPECT_EQ(text(read(), "tokenizer.chat_template.tool_use"), "of the folder");
}

}  // namespace
}  // namespace kinglet::format
