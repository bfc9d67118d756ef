// Tokenizers of small vocabularies against Hugging Face's tokenizers and SentencePiece (tools/make_tokenizer_goldens),
// special tokens, decoding in pieces, hostile text and damaged vocabularies.
#include "model/text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <thread>

#include "core/base/base.h"
#include "core/base/philox.h"
#include "model/text/golden_files.h"
#include "model/text/stream_decoder.h"
#include "model/text/utf8.h"

namespace kinglet::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Ids = std::vector<int32_t>;

class Golden : public testing::TestWithParam<const char*> {
 protected:
  Golden()
      : file_(golden_file(std::getenv("KINGLET_SOURCE"), GetParam())),
        tokenizer_(Tokenizer::make(golden_vocabulary(file_))) {}
  const system::Json file_;
  const std::unique_ptr<const Tokenizer> tokenizer_;
};

TEST_P(Golden, TextToIdsAndBack) {
  size_t n = 0;
  for (const auto& row : file_.at("encoded").as_array("encoded")) {
    const std::string& text = row.as_array("row")[0].as_string("text");
    const Ids want = golden_ids(row.as_array("row")[1]);
    EXPECT_EQ(tokenizer_->encode(text), want) << "[" << text << "]";
    // The mark that stands for a space in pieces comes back as a space.
    if (text.find("\xE2\x96\x81") == std::string::npos) {
      EXPECT_EQ(tokenizer_->decode_bytes(want), text);
    }
    ++n;
  }
  EXPECT_GT(n, 100U);
}

TEST_P(Golden, IdsToText) {
  size_t n = 0;
  for (const auto& row : file_.at("decoded").as_array("decoded")) {
    EXPECT_EQ(tokenizer_->decode(golden_ids(row.as_array("row")[0])), row.as_array("row")[1].as_string("text"));
    ++n;
  }
  EXPECT_GT(n, 70U);
}

// However tokens come, what a stream gives is text at every moment, and all of it together is the text of all tokens.
TEST_P(Golden, StreamsGiveWholeCharacters) {
  Philox random(2);
  for (int round = 0; round < 400; ++round) {
    Ids ids;
    for (uint32_t i = 0; i <= random.next_u32() % 20; ++i) {
      // Half of them bytes, so that many are no text.
      const uint32_t n = random.next_u32() % 2 == 0 ? 256 : static_cast<uint32_t>(tokenizer_->vocab_size());
      ids.push_back(static_cast<int32_t>(random.next_u32() % n));
    }
    StreamDecoder decoder(*tokenizer_, false, false);
    std::string text;
    for (const int32_t id : ids) {
      const std::string piece = decoder.add(id);
      EXPECT_EQ(find_invalid_utf8(piece), std::string_view::npos);
      text += piece;
    }
    text += decoder.flush();
    EXPECT_EQ(text, tokenizer_->decode(ids));
    EXPECT_EQ(decoder.flush(), "");
    // An answer that goes on a text keeps its space.
    StreamDecoder going_on(*tokenizer_);
    std::string rest;
    for (const int32_t id : ids) rest += going_on.add(id);
    rest += going_on.flush();
    EXPECT_TRUE(rest == text || rest == str(' ', text));
  }
}

TEST_P(Golden, AnyBytesComeBack) {
  Philox random(3);
  for (size_t size = 0; size < 300; ++size) {
    std::string bytes;
    for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(random.next_u32() & 0xFFU);
    EXPECT_EQ(tokenizer_->decode_bytes(tokenizer_->encode(bytes)), bytes);
  }
}

// The cache of words is invisible: the same text many times, in several threads, among other texts.
TEST_P(Golden, IsTheSameInEveryThread) {
  std::vector<std::string> texts;
  std::vector<Ids> want;
  for (const auto& row : file_.at("encoded").as_array("encoded")) {
    texts.push_back(row.as_array("row")[0].as_string("text"));
    want.push_back(golden_ids(row.as_array("row")[1]));
  }
  std::vector<size_t> n_wrong(6);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < n_wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 3 * texts.size(); ++i) {
        const size_t at = (i * (2 * t + 1)) % texts.size();
        n_wrong[t] += tokenizer_->encode(texts[at]) != want[at];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(n_wrong, testing::Each(0U));
}

// Much of what slow algorithms fear; with sanitizers a fifth of it. In a release build a megabyte of each takes a
// quarter of a second at most.
TEST_P(Golden, HostileTextTakesLittleTime) {
  constexpr size_t kBytes = KINGLET_SANITIZED ? 60'000 : 300'000;
  Philox random(4);
  std::string noise;
  for (size_t i = 0; i < kBytes; ++i) noise += static_cast<char>(random.next_u32() & 0xFFU);
  std::vector<std::string> texts = {noise};
  for (const std::string_view unit : {"a", " ", "\n", "1", "=", "ab", "the ", "\xF0\x9F\x98\x80", "\xCC\x81\xCC\x96"}) {
    texts.emplace_back();
    while (texts.back().size() < kBytes) texts.back() += unit;
  }
  for (const std::string& text : texts) {
    const std::clock_t start = std::clock();
    const Ids ids = tokenizer_->encode(text);
    EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 10) << text.substr(0, 8);
    EXPECT_EQ(tokenizer_->decode_bytes(ids), text);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Golden, testing::Values("byte_bpe.json", "sentencepiece.json"), [](const auto& test) {
  return std::string(test.param).substr(0, std::string(test.param).find('.'));
});

// ---- special tokens ----

constexpr int32_t kStart = 256;        // "<start>", control
constexpr int32_t kStartNow = 257;     // "<start>now", control
constexpr int32_t kTool = 258;         // "<tool>", user-defined
constexpr int32_t kUnknown = 259;      // "<unk>", unknown
constexpr int32_t kSt = 260;           // "st", to which text merges
constexpr int32_t kControlWord = 261;  // "ab", control, although text could merge to it

// Bytes as GPT-2 spells them, and a few tokens more.
class SpecialTokens : public testing::Test {
 protected:
  SpecialTokens() {
    for (uint32_t byte = 0, next = 0x100; byte < 256; ++byte) {
      const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      append_utf8(spellings_.emplace_back(), printable ? byte : next++);
    }
    for (const char* more : {"<start>", "<start>now", "<tool>", "<unk>", "st", "ab"}) spellings_.emplace_back(more);
    spec_.tokens.assign(spellings_.begin(), spellings_.end());
    spec_.types.assign(spec_.tokens.size(), TokenType::kNormal);
    spec_.types[kStart] = spec_.types[kStartNow] = spec_.types[kControlWord] = TokenType::kControl;
    spec_.types[kTool] = TokenType::kUserDefined;
    spec_.types[kUnknown] = TokenType::kUnknown;
    spec_.model = "gpt2";
    spec_.pre = "gpt-2";
    spec_.merges = {"s t", "a b"};
    spec_.bos = kStart;
    spec_.eos = kStartNow;
  }

  [[nodiscard]] std::unique_ptr<const Tokenizer> make() const { return Tokenizer::make(spec_); }

  std::vector<std::string> spellings_;
  VocabularySpec spec_;
};

Ids bytes_as_ids(std::string_view text) {
  Ids ids;
  for (const char c : text) ids.push_back(static_cast<uint8_t>(c));
  return ids;
}

TEST_F(SpecialTokens, AreReadOnRequestOnly) {
  const auto tokenizer = make();
  EXPECT_THAT(tokenizer->encode("<start>", {.special = true}), ElementsAre(kStart));
  EXPECT_THAT(tokenizer->encode("<start>"), ElementsAre('<', kSt, 'a', 'r', 't', '>'));
  EXPECT_THAT(tokenizer->encode("a<start>b", {.special = true}), ElementsAre('a', kStart, 'b'));
  // The longest one, and what only begins like one.
  EXPECT_THAT(tokenizer->encode("<start>now", {.special = true}), ElementsAre(kStartNow));
  EXPECT_THAT(tokenizer->encode("<start>no", {.special = true}), ElementsAre(kStart, 'n', 'o'));
  EXPECT_THAT(tokenizer->encode("<sta", {.special = true}), ElementsAre('<', kSt, 'a'));
  EXPECT_THAT(tokenizer->encode("<<start>", {.special = true}), ElementsAre('<', kStart));
  EXPECT_THAT(tokenizer->encode("<unk>", {.special = true}), ElementsAre(kUnknown));
  EXPECT_EQ(tokenizer->encode("<unk>"), bytes_as_ids("<unk>"));
}

TEST_F(SpecialTokens, UserDefinedOnesAreAlwaysRead) {
  EXPECT_THAT(make()->encode("x<tool>y"), ElementsAre('x', kTool, 'y'));
  EXPECT_THAT(make()->encode("x<tool>y", {.special = true}), ElementsAre('x', kTool, 'y'));
}

TEST_F(SpecialTokens, NoTextMergesToAControlToken) {
  EXPECT_THAT(make()->encode("ab"), ElementsAre('a', 'b'));
  EXPECT_THAT(make()->encode("ab", {.special = true}), ElementsAre(kControlWord));
  spec_.pre = "llama-bpe";  // looks for whole words first
  EXPECT_THAT(make()->encode("ab"), ElementsAre('a', 'b'));
}

TEST_F(SpecialTokens, MarksKeepTextFromBeingRead) {
  const auto tokenizer = make();
  const Ids plain = tokenizer->encode("<start>");
  EXPECT_EQ(tokenizer->encode("#<start>", {.special = true, .mark = "#"}), plain);
  EXPECT_EQ(tokenizer->encode("<st#art>", {.special = true, .mark = "#"}), plain);
  EXPECT_THAT(tokenizer->encode("a#b<start>##", {.special = true, .mark = "#"}), ElementsAre('a', 'b', kStart));
  EXPECT_THAT(tokenizer->encode("##", {.special = true, .mark = "#"}), ElementsAre());
}

TEST_F(SpecialTokens, BeginAndEndAreAddedByTheModelsRule) {
  EXPECT_THAT(make()->encode("a", {.bos = true}), ElementsAre('a'));
  spec_.add_bos = spec_.add_eos = true;
  EXPECT_THAT(make()->encode("a", {.bos = true}), ElementsAre(kStart, 'a', kStartNow));
  EXPECT_THAT(make()->encode("", {.bos = true}), ElementsAre(kStart, kStartNow));
  EXPECT_THAT(make()->encode("a"), ElementsAre('a'));
}

TEST_F(SpecialTokens, AreHiddenInTextUnlessAskedFor) {
  const auto tokenizer = make();
  EXPECT_EQ(tokenizer->decode(Ids{kStart, 'a', kTool, kUnknown}), "a<tool>");
  EXPECT_EQ(tokenizer->decode(Ids{kStart, 'a', kTool, kUnknown}, true), "<start>a<tool><unk>");
  StreamDecoder shown(*tokenizer, true);
  EXPECT_EQ(shown.add(kStart), "<start>");
  // A control token between the bytes of a character does not end it.
  StreamDecoder hidden(*tokenizer);
  EXPECT_EQ(hidden.add(0xC3), "");
  EXPECT_EQ(hidden.add(kStart), "");
  EXPECT_EQ(hidden.add(0xA9), "\xC3\xA9");
}

TEST_F(SpecialTokens, ThoseSpelledAlikeAreTheFirst) {
  spec_.tokens[kStartNow] = "<start>";
  EXPECT_THAT(make()->encode("<start>", {.special = true}), ElementsAre(kStart));
  EXPECT_EQ(make()->find("<start>"), std::optional<int32_t>(kStart));
  EXPECT_EQ(make()->find("nothing"), std::nullopt);
}

// ---- SentencePiece's spaces ----

TEST(SentencePieceSpaces, ComeAtTheStartAndBehindSpecialTokens) {
  const auto file = golden_file(std::getenv("KINGLET_SOURCE"), "sentencepiece.json");
  VocabularySpec spec = golden_vocabulary(file);
  const auto tokenizer = Tokenizer::make(spec);
  const Ids the = tokenizer->encode("the");
  Ids twice = the;
  twice.push_back(2);
  twice.insert(twice.end(), the.begin(), the.end());
  EXPECT_EQ(tokenizer->encode("the</s>the", {.special = true}), twice);
  EXPECT_EQ(tokenizer->decode(the), "the");
  EXPECT_EQ(tokenizer->decode(twice), "the the");
  spec.add_space_prefix = false;
  const auto without = Tokenizer::make(spec);
  EXPECT_EQ(without->encode(" the"), the);
  EXPECT_NE(without->encode("the"), the);
  EXPECT_EQ(without->decode(the), " the");
  // Only the very first text loses its space: here a byte comes before it.
  EXPECT_EQ(tokenizer->decode(Ids{3 + 'x', the[0]}), str('x', without->decode(Ids{the[0]})));
  EXPECT_EQ(tokenizer->decode(Ids{1, the[0]}), without->decode(Ids{the[0]}).substr(1));
}

// ---- what is refused ----

std::string error_of(VocabularySpec spec, ErrorCode code) {
  try {
    Tokenizer::make(std::move(spec));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.message();
  }
  return "";
}

TEST_F(SpecialTokens, DamagedVocabulariesAreRefused) {
  VocabularySpec spec = spec_;
  spec.model = "rwkv";
  EXPECT_THAT(error_of(spec, ErrorCode::kUnsupported), HasSubstr("rwkv"));
  spec = spec_;
  spec.pre = "no such";
  EXPECT_THAT(error_of(spec, ErrorCode::kUnsupported), HasSubstr("no such"));
  spec = spec_;
  spec.tokens.clear();
  EXPECT_THAT(error_of(spec, ErrorCode::kInvalidFile), HasSubstr("0 tokens"));
  spec = spec_;
  spec.types.pop_back();
  EXPECT_THAT(error_of(spec, ErrorCode::kInvalidFile), HasSubstr("262 tokens, 261 types"));
  spec = spec_;
  spec.bos = 262;
  EXPECT_THAT(error_of(spec, ErrorCode::kInvalidFile), HasSubstr("token 262 of a vocabulary of 262"));
  spec = spec_;
  spec.merges.push_back("ab");
  EXPECT_THAT(error_of(spec, ErrorCode::kInvalidFile), HasSubstr("merge 2"));
  spec = spec_;
  spec.model = "llama";
  EXPECT_THAT(error_of(spec, ErrorCode::kInvalidFile), HasSubstr("scores"));
  try {
    static_cast<void>(make()->decode(Ids{1, 262}));
    ADD_FAILURE() << "an id outside of the vocabulary";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("token 262"));
  }
}

TEST_F(SpecialTokens, VocabulariesWithoutAllBytesUseTheirUnknownToken) {
  spec_.tokens['z'] = "zz";
  EXPECT_THAT(make()->encode("az"), ElementsAre('a'));
  spec_.unknown = kUnknown;
  EXPECT_THAT(make()->encode("az"), ElementsAre('a', kUnknown));
}

// A vocabulary of which all spellings and all merges hash alike would take quadratic time; one of long spellings for
// which text almost is a match takes time in proportion to both.
TEST_F(SpecialTokens, LongSpecialTokensTakeLittleTime) {
  std::vector<std::string> long_ones;
  for (int i = 0; i < 200; ++i) long_ones.push_back(std::string(static_cast<size_t>(50 + i), '<') + "!");
  for (const std::string& spelling : long_ones) {
    spec_.tokens.push_back(spelling);
    spec_.types.push_back(TokenType::kControl);
  }
  const std::string text(KINGLET_SANITIZED ? 6'000 : 30'000, '<');
  const std::clock_t start = std::clock();
  EXPECT_EQ(make()->encode(text, {.special = true}).size(), text.size());
  EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 10);
}

// A template could write a text that goes on like a spelling of megabytes at each of its places.
TEST_F(SpecialTokens, OverlongOnesAreRefused) {
  const std::string longest(256, '<');
  const std::string longer(257, '<');
  spec_.tokens.push_back(longest);
  spec_.types.push_back(TokenType::kControl);
  EXPECT_EQ(make()->encode(longest, {.special = true}).size(), 1U);
  spec_.tokens.back() = longer;
  EXPECT_THROW(static_cast<void>(make()), Error);
  spec_.types.back() = TokenType::kNormal;
  EXPECT_NO_THROW(static_cast<void>(make()));
}

}  // namespace
}  // namespace kinglet::text
