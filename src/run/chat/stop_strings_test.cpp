#include "run/chat/stop_strings.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/base.h"

namespace kinglet::chat {
namespace {

// The text in pieces whose lengths repeat, through the strings; what comes out, and whether it was stopped.
std::pair<std::string, bool> run(const std::vector<std::string>& stops, std::string_view text,
                                 const std::vector<size_t>& lengths) {
  StopStrings stop(stops);
  std::string out;
  size_t piece = 0;
  for (size_t at = 0; at < text.size() && !stop.stopped(); ++piece) {
    const size_t n = std::min(lengths[piece % lengths.size()], text.size() - at);
    out += stop.add(text.substr(at, n));
    at += n;
  }
  if (!stop.stopped()) out += stop.flush();
  return {out, stop.stopped()};
}

// What the header says, in the plainest way: the smallest end, then the smallest begin.
std::pair<std::string, bool> expected(const std::vector<std::string>& stops, std::string_view text) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t begin = std::string_view::npos;
    for (const std::string& stop : stops) {
      if (text.substr(0, end).ends_with(stop)) begin = std::min(begin, end - stop.size());
    }
    if (begin != std::string_view::npos) return {std::string(text.substr(0, begin)), true};
  }
  return {std::string(text), false};
}

TEST(StopStrings, TheSameWhereverPiecesEnd) {
  const std::vector<std::vector<std::string>> lists = {
      {},      {"b"},    {"abc"},       {"abc", "b"},           {"aab"},    {"aaa", "aab"},
      {"cab"}, {"abab"}, {"abac", "c"}, {"ccccc", "ba", "cab"}, {"abcabc"},
  };
  // All texts of up to 7 letters of three.
  std::vector<std::string> texts{""};
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() == 7) break;
    for (const char c : {'a', 'b', 'c'}) texts.push_back(texts[i] + c);
  }
  for (const auto& stops : lists) {
    for (const std::string& text : texts) {
      for (const auto& lengths : {std::vector<size_t>{1}, {2}, {1, 3}, {7}}) {
        ASSERT_EQ(run(stops, text, lengths), expected(stops, text)) << text;
      }
    }
  }
}

TEST(StopStrings, HoldsBackOnlyWhatMayBecomeOne) {
  StopStrings stop({"<end>"});
  EXPECT_EQ(stop.add("text <en"), "text ");
  EXPECT_EQ(stop.add("try> <e"), "<entry> ");
  EXPECT_EQ(stop.add("nd"), "");
  EXPECT_EQ(stop.add("> more"), "");
  EXPECT_TRUE(stop.stopped());
  EXPECT_EQ(stop.add("more"), "");
}

TEST(StopStrings, AnEmptyOneIsRefused) { EXPECT_THROW(StopStrings({"a", ""}), Error); }

}  // namespace
}  // namespace kinglet::chat
