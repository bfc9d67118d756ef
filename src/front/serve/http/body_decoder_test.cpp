#include "front/serve/http/body_decoder.h"

#include <gtest/gtest.h>

namespace kinglet::serve::http {
namespace {

struct Decoded {
  std::string body;
  std::string rest;  ///< Behind the body.
  bool done = false;
  unsigned status = 0;
  bool operator==(const Decoded&) const = default;
};

// In pieces of n bytes.
Decoded decoded(const Framing& framing, std::string_view bytes, size_t n, uint64_t max_bytes = 100) {
  BodyDecoder decoder(framing, max_bytes);
  Decoded out;
  while (!bytes.empty() && !decoder.done()) {
    std::string_view piece = bytes.substr(0, n);
    const size_t before = piece.size();
    if (const auto refusal = decoder.feed(piece, out.body)) {
      out.status = refusal->status;
      return out;
    }
    bytes.remove_prefix(before - piece.size());
  }
  out.rest = bytes;
  out.done = decoder.done();
  return out;
}

Decoded unchunked(std::string_view bytes) {
  const Decoded whole = decoded({.chunked = true}, bytes, bytes.size());
  for (size_t n = 1; n < bytes.size(); ++n) {
    const Decoded pieces = decoded({.chunked = true}, bytes, n);
    EXPECT_EQ(pieces.status, whole.status) << bytes << " in pieces of " << n;
    EXPECT_TRUE(whole.status != 0 || pieces == whole) << bytes << " in pieces of " << n;
  }
  return whole;
}

TEST(BodyDecoder, TakesALengthAndNoMore) {
  for (size_t n = 1; n < 9; ++n) EXPECT_EQ(decoded({.length = 5}, "helloGET", n), (Decoded{"hello", "GET", true, 0}));
  EXPECT_FALSE(decoded({.length = 5}, "hell", 4).done);
  EXPECT_TRUE(BodyDecoder({}, 0).done());
}

TEST(BodyDecoder, ALongLengthIsRefusedBeforeItComes) {
  std::string_view nothing;
  std::string body;
  EXPECT_EQ(BodyDecoder({.length = 101}, 100).feed(nothing, body)->status, 413U);
  EXPECT_EQ(BodyDecoder({.length = UINT64_MAX}, 100).feed(nothing, body)->status, 413U);
  EXPECT_FALSE(BodyDecoder({.length = 100}, 100).feed(nothing, body));
}

TEST(BodyDecoder, JoinsChunks) {
  EXPECT_EQ(unchunked("5\r\nhello\r\n0\r\n\r\nGET"), (Decoded{"hello", "GET", true, 0}));
  EXPECT_EQ(unchunked("1\r\na\r\n0C\r\n\r\n\r\n\r\n345678\r\n000\r\n\r\n"),
            (Decoded{"a\r\n\r\n\r\n345678", "", true, 0}));
  EXPECT_EQ(unchunked("2;a=\"b c\";d\r\nhi\r\n0;e\r\nX-A: b\r\nX-C:\r\n\r\nrest"), (Decoded{"hi", "rest", true, 0}));
  EXPECT_EQ(unchunked("0\r\n\r\n"), (Decoded{"", "", true, 0}));
}

TEST(BodyDecoder, RefusesMalformedChunks) {
  for (const std::string_view bytes : {"5\nhello\r\n0\r\n\r\n",
                                       "5\r\nhello\n0\r\n\r\n",
                                       "5\r\nhello0\r\n\r\n",
                                       "5\r\nhellox\r\n0\r\n\r\n",
                                       "\r\n",
                                       " 5\r\nhello",
                                       "5 \r\nhello",
                                       "5 ;a\r\nhello",
                                       "+5\r\nhello",
                                       "-1\r\nhello",
                                       "0x5\r\nhello",
                                       "5h\r\nhello",
                                       "g\r\n",
                                       ";a\r\n",
                                       "5\r\nhello\r\n0\r\nA b: c\r\n\r\n",
                                       "0\r\n folded\r\n\r\n",
                                       "0\r\nA: b\n\r\n",
                                       "0\r\nno colon\r\n\r\n",
                                       "5;a\x01\r\nhello",
                                       "5;a\rb\r\nhello",
                                       "5\r\nhello\r\r\n0\r\n\r\n"}) {
    EXPECT_EQ(unchunked(bytes).status, 400U) << bytes;
  }
}

TEST(BodyDecoder, RefusesTooMuchOfEverything) {
  EXPECT_EQ(unchunked("65\r\n").status, 413U);
  EXPECT_EQ(unchunked("ffffffffffffffff\r\n").status, 413U);
  EXPECT_EQ(unchunked("10000000000000000\r\n").status, 413U);
  EXPECT_EQ(unchunked("32\r\n" + std::string(50, 'a') + "\r\n33\r\n").status, 413U);
  EXPECT_EQ(unchunked("64\r\n" + std::string(100, 'a') + "\r\n0\r\n\r\n").body.size(), 100U);
  EXPECT_EQ(decoded({.chunked = true}, "1;" + std::string(300, 'a'), 7).status, 400U);
  EXPECT_EQ(decoded({.chunked = true}, std::string(300, '0'), 7).status, 400U);
  std::string trailers = "0\r\n";
  for (int i = 0; i < 1000; ++i) trailers += "A: b\r\n";
  EXPECT_EQ(decoded({.chunked = true}, trailers, 7).status, 400U);
}

}  // namespace
}  // namespace kinglet::serve::http
