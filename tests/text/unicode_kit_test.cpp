// Form C against Unicode's own conformance test (data kit, unicode/NormalizationTest.txt).
#include <gtest/gtest.h>

#include "kit_files.h"
#include "model/text/unicode.h"
#include "model/text/utf8.h"

namespace kinglet::tests {
namespace {

// "0044 0307" as text.
std::string characters(const std::string& column) {
  std::string text;
  for (const std::string& number : split(column, " "))
    text::append_utf8(text, static_cast<uint32_t>(std::stoul(number, nullptr, 16)));
  return text;
}

TEST(Normalization, IsUnicodesFormC) {
  if (kit().empty()) GTEST_SKIP() << "the data kit is not here";
  size_t n = 0;
  for (const std::string& line : split(unpacked(kit() + "/unicode/NormalizationTest.txt.gz"), "\n")) {
    if (line.empty() || line[0] == '#' || line[0] == '@') continue;
    const std::vector<std::string> columns = split(line, ";");
    ASSERT_GE(columns.size(), 5U);
    const std::string form_c = characters(columns[1]);
    EXPECT_EQ(text::nfc(characters(columns[0])), form_c) << line;
    EXPECT_EQ(text::nfc(form_c), form_c) << line;
    EXPECT_EQ(text::nfc(characters(columns[2])), form_c) << line;
    const std::string compatible = characters(columns[3]);
    EXPECT_EQ(text::nfc(compatible), compatible) << line;
    EXPECT_EQ(text::nfc(characters(columns[4])), compatible) << line;
    ++n;
  }
  EXPECT_GT(n, 18000U);
}

}  // namespace
}  // namespace kinglet::tests
