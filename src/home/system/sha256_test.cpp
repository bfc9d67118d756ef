#include "home/system/sha256.h"

#include <gtest/gtest.h>

namespace kinglet::system {
namespace {

// FIPS 180-2, appendix B, and the empty message.
constexpr std::string_view kOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr std::string_view kOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr std::string_view kOfMillion = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(Sha256, EqualsThePublishedVectors) {
  EXPECT_EQ(Sha256::of("").hex(), kOfNothing);
  EXPECT_EQ(Sha256::of("abc").hex(), kOfAbc);
  Sha256 sum;
  const std::string piece(777, 'a');
  size_t left = 1'000'000;
  while (left > 0) {
    const size_t n = std::min(left, piece.size());
    sum.add(std::string_view(piece).substr(0, n));
    left -= n;
  }
  EXPECT_EQ(sum.finish().hex(), kOfMillion);
}

TEST(Digest, ParsesWhatItWrites) {
  const Digest digest = Sha256::of("abc");
  EXPECT_EQ(digest.to_string(), "sha256:" + std::string(kOfAbc));
  EXPECT_EQ(Digest::parse(digest.to_string()), digest);
  EXPECT_EQ(Digest::parse(digest.to_string('-'), '-'), digest);
  EXPECT_EQ(digest.short_hex(), "ba7816bf8f01");
}

TEST(Digest, RefusesEverythingElse) {
  const std::string sound = "sha256:" + std::string(kOfAbc);
  EXPECT_FALSE(Digest::parse(""));
  EXPECT_FALSE(Digest::parse("sha256:"));
  EXPECT_FALSE(Digest::parse("sha256:../../../../etc/passwd"));
  EXPECT_FALSE(Digest::parse(sound.substr(0, sound.size() - 1)));
  EXPECT_FALSE(Digest::parse(sound + "0"));
  EXPECT_FALSE(Digest::parse(kOfAbc));
  EXPECT_FALSE(Digest::parse(sound, '-'));
  EXPECT_FALSE(Digest::parse("sha512:" + std::string(kOfAbc)));
  for (const char wrong : {'A', '/', '.', 'g', '\0', ' '}) {
    std::string text = sound;
    text[20] = wrong;
    EXPECT_FALSE(Digest::parse(text)) << wrong;
  }
}

}  // namespace
}  // namespace kinglet::system
