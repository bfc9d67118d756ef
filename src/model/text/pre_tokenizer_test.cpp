// Words against the published regular expressions, run by another program (tools/make_tokenizer_goldens); linear time.
#include "model/text/pre_tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "model/text/golden_files.h"

namespace kinglet::text {
namespace {

std::vector<std::string> words_of(const WordCutter& cutter, std::string_view text) {
  std::vector<std::string> words;
  cutter.for_each_word(text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

TEST(PreTokenizer, CutsAsTheRegularExpressionsDo) {
  const auto file = golden_file(std::getenv("KINGLET_SOURCE"), "words.json");
  ASSERT_EQ(file.as_object("file").size(), 6U);
  for (const auto& [name, rows] : file.as_object("file")) {
    const PreTokenizer* pre = find_pre_tokenizer(name);
    ASSERT_NE(pre, nullptr) << name;
    const WordCutter cutter(pre->cuts);
    for (const auto& row : rows.as_array("rows")) {
      std::vector<std::string> want;
      for (const auto& word : row.as_array("row")[1].as_array("words")) want.push_back(word.as_string("word"));
      const std::string& text = row.as_array("row")[0].as_string("text");
      EXPECT_EQ(words_of(cutter, text), want) << name << " [" << text << "]";
    }
  }
  EXPECT_EQ(find_pre_tokenizer("no such"), nullptr);
}

// One name for each way of cutting.
std::vector<PreTokenizer> ways() {
  std::vector<PreTokenizer> found;
  for (const PreTokenizer& pre : pre_tokenizers()) {
    const auto same = [&](const PreTokenizer& other) { return other.cuts.data() == pre.cuts.data(); };
    if (std::ranges::none_of(found, same)) found.push_back(pre);
  }
  return found;
}

// Words put together are the text, whatever its bytes are.
TEST(PreTokenizer, TakesAnyBytes) {
  const auto file = golden_file(std::getenv("KINGLET_SOURCE"), "unicode.json");
  for (const PreTokenizer& pre : ways()) {
    const WordCutter cutter(pre.cuts);
    for (const auto& row : file.at("broken").as_array("broken")) {
      std::string bytes;
      for (const auto& byte : row.as_array("row")[0].as_array("bytes"))
        bytes += static_cast<char>(byte.as_integer("byte"));
      std::string joined;
      for (const std::string& word : words_of(cutter, bytes)) {
        EXPECT_FALSE(word.empty());
        joined += word;
      }
      EXPECT_EQ(joined, bytes);
    }
  }
}

double seconds_of(const WordCutter& cutter, const std::string& text) {
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    size_t n = 0;
    const std::clock_t start = std::clock();
    cutter.for_each_word(text, [&](std::string_view word) { n += word.size(); });
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    EXPECT_EQ(n, text.size());
  }
  return best;
}

// Eight times the text takes about eight times as long; quadratic time would be 64 times as long.
TEST(PreTokenizer, TakesLinearTime) {
  for (const PreTokenizer& pre : ways()) {
    const WordCutter cutter(pre.cuts);
    for (const std::string_view unit :
         {"a", " ", "\n", "1", "=", "'", "'s", " \n", "\n ", "\xF0\x9F\x98\x80", "\xCC\x81", "\xFF", "ab ", "12a"}) {
      std::string text;
      while (text.size() < (KINGLET_SANITIZED ? 2'000 : 10'000)) text += unit;
      std::string longer;
      for (int i = 0; i < 8; ++i) longer += text;
      EXPECT_LT(seconds_of(cutter, longer), 24 * seconds_of(cutter, text) + 0.01) << pre.name << " [" << unit << "]";
    }
  }
}

}  // namespace
}  // namespace kinglet::text
