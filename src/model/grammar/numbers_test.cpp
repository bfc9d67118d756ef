#include "model/grammar/numbers.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/base.h"
#include "core/base/philox.h"

namespace kinglet::grammar {
namespace {

// Thousandths, written with `places` digits behind the point.
std::string text_of(int64_t thousandths, int places) {
  const int64_t magnitude = std::abs(thousandths);
  std::string text = str(thousandths < 0 ? "-" : "", magnitude / 1000);
  if (places == 0) return text;
  std::string digits = std::to_string(magnitude % 1000 + 1000).substr(1);
  digits.resize(static_cast<size_t>(places), '0');
  return str(text, ".", digits);
}

TEST(Numbers, PlainDecimals) {
  const auto plain = [](std::string_view json) { return plain_decimal(system::Json::parse(json, "n")); };
  EXPECT_EQ(plain("0"), "0");
  EXPECT_EQ(plain("-0.0"), "0");
  EXPECT_EQ(plain("1e3"), "1000");
  EXPECT_EQ(plain("1.5e-7"), "0.00000015");
  EXPECT_EQ(plain("-12.50"), "-12.5");
  EXPECT_EQ(plain("18446744073709551615"), "18446744073709551615");
  EXPECT_EQ(plain("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(plain("1e20"), "100000000000000000000");
  EXPECT_EQ(plain("0.1"), "0.1");
}

// Whole arithmetic of thousandths is the judge.
TEST(Numbers, RangesAndMultiplesAreThoseOfArithmetic) {
  Philox random(11);
  const auto pick = [&](int64_t limit) {
    return static_cast<int64_t>(random.next_u32() % static_cast<uint32_t>(2 * limit + 1)) - limit;
  };
  for (int i = 0; i < (KINGLET_SANITIZED ? 12 : 60); ++i) {
    const int64_t limit = i % 3 == 0 ? 3000 : i % 3 == 1 ? 120'000 : 2'000'000;
    const int64_t step = i % 4 == 0 ? 1000 : i % 4 == 1 ? 500 : 1;
    const int64_t least = pick(limit) / step * step;
    const int64_t most = least + std::abs(pick(limit)) / step * step;
    NumberRange range;
    if (i % 5 != 0) range.least = plain_decimal(system::Json(static_cast<double>(least) / 1000));
    if (i % 5 != 1) range.most = plain_decimal(system::Json(static_cast<double>(most) / 1000));
    range.above_least = i % 2 == 0;
    range.below_most = i % 7 == 0;
    const Dfa set = numbers_within(range);
    const int64_t divisor = 1 + std::abs(pick(i % 10 == 0 ? 2000 : 60));
    const Dfa multiples = multiples_of(plain_decimal(system::Json(static_cast<double>(divisor) / 1000)));
    for (int t = 0; t < 200; ++t) {
      const int64_t value = t == 0       ? least
                            : t == 1     ? most
                            : t == 2     ? 0
                            : t % 3 == 0 ? pick(5) + least
                                         : pick(2 * limit);
      const bool in_least = !range.least || (range.above_least ? value > least : value >= least);
      const bool in_most = !range.most || (range.below_most ? value < most : value <= most);
      for (const int places : {0, 1, 3, 5}) {
        const int64_t unit = places == 0 ? 1000 : places == 1 ? 100 : 1;
        const int64_t shown = value / unit * unit;
        if (shown != value || (value == 0 && places > 0)) continue;
        const std::string text = text_of(shown, places);
        EXPECT_EQ(set.contains(text), in_least && in_most)
            << text << " in " << range.least.value_or("") << ".." << range.most.value_or("");
        EXPECT_EQ(multiples.contains(text), value % divisor == 0) << text << " of " << divisor;
        EXPECT_EQ(decimals().contains(text), true);
        EXPECT_EQ(integers().contains(text), places == 0);
        EXPECT_EQ(whole_decimals().contains(text), value % 1000 == 0);
        EXPECT_TRUE(texts_of_number(plain_decimal(system::Json(static_cast<double>(value) / 1000))).contains(text));
      }
    }
  }
  for (const std::string_view text : {"-0", "-0.0", "01", "1.", ".5", "+1", "1e5", "", "-"})
    EXPECT_FALSE(decimals().contains(text)) << text;
  EXPECT_FALSE(texts_of_number("1.5").contains("1.51"));
}

TEST(Numbers, MultiplesOfALargeNumberEndAtTheLimit) {
  EXPECT_THROW((void)multiples_of("1000003"), Error);
  EXPECT_THROW((void)multiples_of("0.000001234567"), Error);
  EXPECT_TRUE(multiples_of("0.01").contains("19.99"));
  EXPECT_FALSE(multiples_of("0.01").contains("19.999"));
}

}  // namespace
}  // namespace kinglet::grammar
