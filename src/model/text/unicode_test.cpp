// Characters against Python's unicodedata (tools/make_tokenizer_goldens); form C of long texts takes little time.
#include "model/text/unicode.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "model/text/golden_files.h"
#include "model/text/utf8.h"

namespace kinglet::text {
namespace {

uint8_t class_of_category(char first) {
  switch (first) {
    case 'L':
      return CharClass::kLetter;
    case 'N':
      return CharClass::kNumber;
    case 'P':
      return CharClass::kPunctuation;
    case 'S':
      return CharClass::kSymbol;
    case 'M':
      return CharClass::kMark;
    default:
      return 0;
  }
}

TEST(Unicode, ClassesAreThoseOfTheCategories) {
  const auto file = golden_file(std::getenv("KINGLET_SOURCE"), "unicode.json");
  size_t n = 0;
  for (const auto& row : file.at("categories").as_array("categories")) {
    const auto c = static_cast<uint32_t>(row.as_array("row")[0].as_integer("character"));
    const std::string& category = row.as_array("row")[1].as_string("category");
    EXPECT_EQ(char_class(c) & ~CharClass::kSpace, class_of_category(category[0])) << std::hex << c << " " << category;
    ++n;
  }
  EXPECT_GT(n, 2000U);
}

TEST(Unicode, SpacesAreWhiteSpace) {
  std::vector<uint32_t> want;
  const auto file = golden_file(std::getenv("KINGLET_SOURCE"), "unicode.json");
  for (const auto& c : file.at("spaces").as_array("spaces")) want.push_back(static_cast<uint32_t>(c.as_integer("c")));
  std::vector<uint32_t> got;
  for (uint32_t c = 0; c < 0x110000; ++c) {
    if ((char_class(c) & CharClass::kSpace) != 0) got.push_back(c);
  }
  EXPECT_EQ(got, want);
}

TEST(Unicode, FormC) {
  const auto file = golden_file(std::getenv("KINGLET_SOURCE"), "unicode.json");
  for (const auto& row : file.at("nfc").as_array("nfc")) {
    const std::string& text = row.as_array("row")[0].as_string("text");
    const std::string& want = row.as_array("row")[1].as_string("form C");
    EXPECT_EQ(nfc(text), want) << text;
    EXPECT_EQ(nfc(want), want);
    if (is_surely_nfc(text)) {
      EXPECT_EQ(text, want);
    }
    // Neighbours stay as they are, broken bytes too.
    EXPECT_EQ(nfc("x\xFF" + text + "\xFFy"), "x\xFF" + want + "\xFFy");
  }
  EXPECT_TRUE(
      is_surely_nfc("plain, gr\xC3\xBC\xC3\x9F"
                    "e, \xE6\xBC\xA2 \xF0\x9F\x98\x80 \xEA\xB0\x80"));
  EXPECT_FALSE(is_surely_nfc("e\xCC\x81"));
  EXPECT_EQ(nfc(""), "");
}

// Half a million marks on one letter, in the worst order: sorting them must not take quadratic time.
TEST(Unicode, FormCOfManyMarksIsQuick) {
  std::string text = "a";
  for (int i = 0; i < 250'000; ++i) text += "\xCC\x81\xCC\x96";  // above, below
  const std::clock_t start = std::clock();
  const std::string form_c = nfc(text);
  EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 10);
  EXPECT_EQ(form_c.size(), text.size() - 1);  // the letter and one mark are one character
}

TEST(Utf8, BrokenBytesBecomeAsManyReplacementsAsPythonWrites) {
  const auto file = golden_file(std::getenv("KINGLET_SOURCE"), "unicode.json");
  for (const auto& row : file.at("broken").as_array("broken")) {
    std::string bytes;
    for (const auto& byte : row.as_array("row")[0].as_array("bytes"))
      bytes += static_cast<char>(byte.as_integer("byte"));
    std::string text;
    for (size_t i = 0; i < bytes.size();) {
      const Utf8Piece piece = utf8_piece_at(bytes, i);
      text += piece.kind == Utf8Piece::Kind::kCharacter ? bytes.substr(i, piece.length) : "\xEF\xBF\xBD";
      EXPECT_EQ(code_point_at(bytes, i).valid, piece.kind == Utf8Piece::Kind::kCharacter);
      if (piece.kind == Utf8Piece::Kind::kUnfinished) {
        EXPECT_EQ(i + piece.length, bytes.size());
      }
      i += piece.length;
    }
    EXPECT_EQ(text, row.as_array("row")[1].as_string("text"));
  }
}

TEST(Utf8, AllCharactersAreWrittenAndRead) {
  for (uint32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, c);
    const CodePoint point = code_point_at(text, 0);
    ASSERT_TRUE(point.valid && point.value == c && point.length == text.size()) << c;
    ASSERT_EQ(find_invalid_utf8(text), std::string_view::npos);
    ASSERT_EQ(find_invalid_utf8(std::string_view(text).substr(0, text.size() - 1)),
              text.size() == 1 ? std::string_view::npos : 0U);
  }
}

}  // namespace
}  // namespace kinglet::text
