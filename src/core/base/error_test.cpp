#include "core/base/error.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/base/result.h"

namespace kinglet {
namespace {

TEST(Str, WritesEachKindOfPart) {
  EXPECT_EQ(str("a", std::string("b"), std::string_view("c"), 'd'), "abcd");
  EXPECT_EQ(str(0, " ", -5, " ", uint8_t{200}, " ", int8_t{-3}), "0 -5 200 -3");
  EXPECT_EQ(str(std::numeric_limits<uint64_t>::max(), " ", std::numeric_limits<int64_t>::min()),
            "18446744073709551615 -9223372036854775808");
  EXPECT_EQ(str(true, " ", false), "true false");
  EXPECT_EQ(str(0.1, " ", 1e300, " ", -2.5), "0.1 1e+300 -2.5") << "the shortest that reads back";
  EXPECT_EQ(str(), "");
}

// The table of CLI.md.
TEST(Error, ExitStatusOfEachKind) {
  EXPECT_EQ(exit_status(ErrorCode::kInternal), 1);
  EXPECT_EQ(exit_status(ErrorCode::kIo), 1);
  EXPECT_EQ(exit_status(ErrorCode::kBusy), 1);
  EXPECT_EQ(exit_status(ErrorCode::kNetwork), 1);
  EXPECT_EQ(exit_status(ErrorCode::kInvalidArgument), 2);
  EXPECT_EQ(exit_status(ErrorCode::kContextFull), 2);
  EXPECT_EQ(exit_status(ErrorCode::kNotFound), 3);
  EXPECT_EQ(exit_status(ErrorCode::kInvalidFile), 4);
  EXPECT_EQ(exit_status(ErrorCode::kUnsupported), 4);
  EXPECT_EQ(exit_status(ErrorCode::kRefused), 5);
  EXPECT_EQ(exit_status(ErrorCode::kOutOfMemory), 6);
  EXPECT_EQ(exit_status(ErrorCode::kNoSpace), 6);
  EXPECT_EQ(exit_status(ErrorCode::kCancelled), 130);
}

TEST(Error, CarriesCodeAndMessage) {
  try {
    fail_with(ErrorCode::kNotFound, "model ", 7, ": no such file");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_STREQ(error.what(), "model 7: no such file");
    return;
  }
  FAIL();
}

TEST(Result, IsOneOrTheOther) {
  const Result<int, std::string> good(5);
  EXPECT_TRUE(good.ok());
  EXPECT_EQ(good.value(), 5);
  const Result<int, std::string> bad(std::string("no"));
  EXPECT_FALSE(bad);
  EXPECT_EQ(bad.error(), "no");
}

TEST(CheckDeathTest, AFalseConditionEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(KINGLET_CHECK(1 + 1 == 3, "arithmetic holds"), "internal error: arithmetic holds");
  const Result<int, std::string> bad(std::string("no"));
  EXPECT_DEATH(static_cast<void>(bad.value()), "value\\(\\) of a failed Result");
}

}  // namespace
}  // namespace kinglet
