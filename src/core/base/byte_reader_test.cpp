#include "core/base/byte_reader.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace kinglet {
namespace {

constexpr std::array<std::byte, 8> kBytes{std::byte{1}, std::byte{2},    std::byte{3},    std::byte{4},
                                          std::byte{5}, std::byte{0xFE}, std::byte{0xFF}, std::byte{0xFF}};

TEST(ByteReader, ReadsLittleEndianAtAnyOffset) {
  ByteReader reader(kBytes, "file");
  EXPECT_EQ(reader.read<uint8_t>("a"), 1);
  EXPECT_EQ(reader.read<uint32_t>("b"), 0x05040302U) << "not aligned";
  EXPECT_EQ(reader.read<int16_t>("c"), -2);
  EXPECT_EQ(reader.offset(), 7U);
  EXPECT_EQ(reader.remaining(), 1U);
  EXPECT_EQ(reader.read<int8_t>("d"), -1);
  EXPECT_EQ(reader.remaining(), 0U);
}

TEST(ByteReader, TakesBytesInPlace) {
  ByteReader reader(kBytes, "file");
  reader.skip(2, "a");
  EXPECT_EQ(reader.bytes(3, "b").data(), kBytes.data() + 2);
  EXPECT_EQ(reader.chars(0, "c").size(), 0U);
  EXPECT_EQ(reader.bytes(3, "d").size(), 3U);
  EXPECT_EQ(reader.bytes(0, "at the end").size(), 0U);
}

TEST(ByteReader, NamesWhatIsMissing) {
  ByteReader reader(kBytes, "dir/model.gguf");
  reader.skip(6, "head");
  try {
    reader.read<uint32_t>("tensor count");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidFile);
    EXPECT_EQ(error.message(), "dir/model.gguf: tensor count at byte 6: needs 4 bytes, 2 are left");
  }
  EXPECT_EQ(reader.offset(), 6U) << "a failed read takes nothing";
}

TEST(ByteReader, LengthsThatWouldOverflow) {
  ByteReader reader(kBytes, "file");
  reader.skip(5, "head");
  for (const uint64_t n : {uint64_t{4}, std::numeric_limits<uint64_t>::max(), std::numeric_limits<uint64_t>::max() - 4,
                           uint64_t{1} << 63}) {
    EXPECT_THROW(reader.bytes(n, "text"), Error) << n;
    EXPECT_THROW(reader.skip(n, "text"), Error) << n;
  }
  EXPECT_EQ(reader.remaining(), 3U);
}

TEST(ByteReader, NothingToRead) {
  ByteReader reader({}, "empty");
  EXPECT_THROW(reader.read<uint8_t>("first"), Error);
  EXPECT_EQ(reader.bytes(0, "none").size(), 0U);
}

}  // namespace
}  // namespace kinglet
