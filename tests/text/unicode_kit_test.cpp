// Forms of normalization, categories and small letters against Unicode's own files (data kit, unicode/).
#include <gtest/gtest.h>

#include <array>

#include "kit_files.h"
#include "model/text/unicode.h"
#include "model/text/utf8.h"

namespace kinglet::tests {
namespace {

constexpr uint32_t kCodePoints = 0x110000;

// "0044 0307" as text.
std::string characters(const std::string& column) {
  std::string text;
  for (const std::string& number : split(column, " "))
    text::append_utf8(text, static_cast<uint32_t>(std::stoul(number, nullptr, 16)));
  return text;
}

// Calls use(fields) for each line with some, without comments.
template <class Use>
void each_line(const std::string& name, const Use& use) {
  for (const std::string& line : split(unpacked(kit() + "/unicode/" + name), "\n")) {
    const std::string entry = line.substr(0, line.find('#'));
    if (entry.find(';') != std::string::npos) use(split(entry, ";"));
  }
}

TEST(Normalization, IsUnicodesInEveryForm) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  size_t n = 0;
  each_line("NormalizationTest.txt.gz", [&](const std::vector<std::string>& columns) {
    ASSERT_GE(columns.size(), 5U);
    std::array<std::string, 5> forms;  // the source, then C, D, KC and KD of it
    for (size_t i = 0; i < forms.size(); ++i) forms[i] = characters(columns[i]);
    for (size_t i = 0; i < forms.size(); ++i) {
      EXPECT_EQ(text::nfc(forms[i]), forms[i < 3 ? 1 : 3]) << columns[0];
      EXPECT_EQ(text::nfd(forms[i]), forms[i < 3 ? 2 : 4]) << columns[0];
      EXPECT_EQ(text::nfkc(forms[i]), forms[3]) << columns[0];
      EXPECT_EQ(text::nfkd(forms[i]), forms[4]) << columns[0];
    }
    ++n;
  });
  EXPECT_GT(n, 18000U);
}

// The test names all characters that change; each other one stays.
TEST(Normalization, LeavesOtherCharactersAlone) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  std::vector<bool> changes(kCodePoints);
  each_line("NormalizationTest.txt.gz", [&](const std::vector<std::string>& columns) {
    if (columns[0].find(' ') == std::string::npos) changes[std::stoul(columns[0], nullptr, 16)] = true;
  });
  size_t n_changed = 0;
  for (uint32_t c = 0; c < kCodePoints; ++c) {
    if (changes[c] || (c >= 0xD800 && c < 0xE000)) continue;
    std::string one;
    text::append_utf8(one, c);
    if (text::nfc(one) != one || text::nfd(one) != one || text::nfkc(one) != one || text::nfkd(one) != one) ++n_changed;
  }
  EXPECT_EQ(n_changed, 0U);
}

TEST(Categories, AreUnicodes) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  constexpr std::array<std::string_view, text::kCategories> kNames = {
      "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps",
      "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co"};
  constexpr std::array kClasses = {
      std::pair('L', text::CharClass::kLetter),      std::pair('N', text::CharClass::kNumber),
      std::pair('P', text::CharClass::kPunctuation), std::pair('S', text::CharClass::kSymbol),
      std::pair('M', text::CharClass::kMark),
  };
  size_t n = 0;
  size_t n_wrong = 0;
  each_line("DerivedGeneralCategory.txt.gz", [&](const std::vector<std::string>& columns) {
    const std::string category = columns[1].substr(columns[1].find_first_not_of(' '), 2);
    const size_t dots = columns[0].find("..");
    const auto first = static_cast<uint32_t>(std::stoul(columns[0], nullptr, 16));
    const auto last =
        dots == std::string::npos ? first : static_cast<uint32_t>(std::stoul(columns[0].substr(dots + 2), nullptr, 16));
    for (uint32_t c = first; c <= last; ++c, ++n) {
      bool is_right = kNames[text::category_of(c)] == category;
      for (const auto& [letter, bit] : kClasses)
        is_right = is_right && ((text::char_class(c) & bit) != 0) == (category[0] == letter);
      if (!is_right && ++n_wrong <= 5) ADD_FAILURE() << "U+" << std::hex << c << " is " << category;
    }
  });
  EXPECT_EQ(n, kCodePoints);
  EXPECT_EQ(n_wrong, 0U);
}

TEST(SmallLetters, AreUnicodes) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  size_t n = 0;
  each_line("UnicodeData.txt.gz", [&](const std::vector<std::string>& columns) {
    ASSERT_GE(columns.size(), 15U);
    // Blocks are two lines, and none of theirs has small letters; surrogates are no characters.
    if (columns[1].ends_with("First>") || columns[1].ends_with("Last>")) return;
    const std::string letter = characters(columns[0]);
    const bool is_two = columns[0] == "0130";  // SpecialCasing.txt: the only one that is more than one character
    const std::string small = columns[13].empty() ? letter : characters(columns[13]);
    EXPECT_EQ(text::lowercase(letter), is_two ? "i\xCC\x87" : small) << columns[0];
    ++n;
  });
  EXPECT_GT(n, 34000U);
}

}  // namespace
}  // namespace kinglet::tests
