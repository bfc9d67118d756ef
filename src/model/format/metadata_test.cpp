#include "model/format/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/format/printable.h"

namespace kinglet::format {
namespace {

using testing::HasSubstr;

template <class Use>
std::string error_of(const Use& use) {
  try {
    use();
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidFile);
    return error.message();
  }
}

TEST(Metadata, AnotherTypeIsNamed) {
  Metadata meta("m.gguf");
  meta.set("general.x", uint32_t{5});
  meta.set("general.text", "hello");
  meta.set("general.half", 0.5F);
  EXPECT_EQ(error_of([&] { (void)meta.require<std::string_view>("general.x"); }),
            "m.gguf: general.x is u32 5, expected a string");
  EXPECT_EQ(error_of([&] { (void)meta.require<uint32_t>("general.text"); }),
            "m.gguf: general.text is string hello, expected an integer");
  EXPECT_EQ(error_of([&] { (void)meta.require<int>("general.half"); }),
            "m.gguf: general.half is f32 0.5, expected an integer");
  EXPECT_EQ(error_of([&] { (void)meta.array("general.x"); }), "m.gguf: general.x is u32 5, expected an array");
  EXPECT_EQ(error_of([&] { (void)meta.require<bool>("general.none"); }), "m.gguf: general.none is missing");
}

TEST(Metadata, NumbersAreConvertedWhereTheyFit) {
  Metadata meta("m");
  meta.set("a", uint8_t{255});
  meta.set("b", int64_t{-1});
  meta.set("c", std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(meta.require<int>("a"), 255);
  EXPECT_EQ(meta.require<double>("b"), -1.0);
  EXPECT_EQ(meta.require<uint64_t>("c"), std::numeric_limits<uint64_t>::max());
  EXPECT_THAT(error_of([&] { (void)meta.require<int8_t>("a"); }), HasSubstr("out of range"));
  EXPECT_THAT(error_of([&] { (void)meta.require<uint32_t>("b"); }), HasSubstr("out of range"));
  EXPECT_THAT(error_of([&] { (void)meta.require<int64_t>("c"); }), HasSubstr("out of range"));
  EXPECT_EQ(meta.get<int>("none"), std::nullopt);
}

TEST(Metadata, KeepsOrderAndReplaces) {
  Metadata meta("m");
  meta.set("z", 1);
  meta.set("a", "first");
  const std::array<std::string_view, 2> words{"x", "yy"};
  meta.set_strings("s", words);
  const std::array<float, 2> numbers{1.0F, 2.0F};
  meta.set_array("n", std::span<const float>(numbers));
  meta.set("z", 2);
  const Metadata moved = std::move(meta);
  ASSERT_EQ(moved.entries().size(), 4U);
  EXPECT_EQ(moved.entries()[0].first, "z");
  EXPECT_EQ(moved.require<int>("z"), 2);
  EXPECT_EQ(moved.require<std::string_view>("a"), "first");
  EXPECT_EQ(moved.string_array("s")->string(1), "yy");
  EXPECT_EQ(moved.number_array("n")->number(1), 2.0);
  EXPECT_THAT(error_of([&] { (void)moved.number_array("s"); }), HasSubstr("array of strings"));
  EXPECT_THAT(error_of([&] { (void)moved.string_array("n"); }), HasSubstr("array of f32"));
}

TEST(Printable, ShowsTextAndHidesControls) {
  EXPECT_EQ(printable("plain \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80"), "plain \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80");
  EXPECT_EQ(printable("\x1b[2J\r\n"), "\\x1b[2J\\x0d\\x0a");
  EXPECT_EQ(printable("\xC2\x9B"), "\\xc2\\x9b");           // a C1 control
  EXPECT_EQ(printable("\xED\xA0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(printable("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xE2\x82"), "\\xe2\\x82");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
}

}  // namespace
}  // namespace kinglet::format
