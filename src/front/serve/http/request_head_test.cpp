#include "front/serve/http/request_head.h"

#include <gtest/gtest.h>

#include "core/base/str.h"

namespace kinglet::serve::http {
namespace {

constexpr HeadLimits kLimits{.head_bytes = 1024, .target_bytes = 256, .n_headers = 8};

// Reads a request's head as a connection does; the status of its refusal, or 0.
unsigned refused(std::string_view bytes) {
  HeadScanner scanner(kLimits);
  const auto n = scanner.scan(bytes);
  if (!n) return n.error().status;
  if (n.value() == 0) return 1;  // Not whole.
  auto head = parse_head(bytes.substr(0, n.value()), kLimits);
  if (!head) return head.error().status;
  const auto framing = framing_of(head.value());
  return framing ? 0 : framing.error().status;
}

TEST(RequestHead, ReadsMethodTargetAndHeaders) {
  const std::string_view bytes = "PUT /a?b HTTP/1.1\r\nHost:x\r\nX-A: \t two words \t\r\nEmpty:\r\n\r\nbody";
  HeadScanner scanner(kLimits);
  const auto n = scanner.scan(bytes);
  ASSERT_EQ(n.value(), bytes.size() - 4);
  const RequestHead head = parse_head(bytes.substr(0, n.value()), kLimits).take();
  EXPECT_EQ(head.method, "PUT");
  EXPECT_EQ(head.target, "/a?b");
  EXPECT_EQ(head.minor_version, 1);
  EXPECT_EQ(head.headers.find("HOST"), "x");
  EXPECT_EQ(head.headers.find("x-a"), "two words");
  EXPECT_EQ(head.headers.find("empty"), "");
  EXPECT_FALSE(head.headers.find("x-b"));
}

TEST(RequestHead, IsTheSameHoweverItComes) {
  const std::string_view bytes = "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    HeadScanner scanner(kLimits);
    EXPECT_EQ(scanner.scan(bytes.substr(0, cut)).value(), 0U) << cut;
    EXPECT_EQ(scanner.scan(bytes).value(), bytes.size()) << cut;
  }
}

struct Malformed {
  std::string_view what;
  std::string bytes;
  unsigned status;
};

const std::vector<Malformed>& malformed() {
  const std::string start = "GET / HTTP/1.1\r\nHost: x\r\n";
  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n";
  static const std::vector<Malformed> table = {
      {"a bare line feed", "GET / HTTP/1.1\nHost: x\n\n", 400},
      {"a bare line feed behind a header", start + "A: b\nC: d\r\n\r\n", 400},
      {"a bare carriage return", start + "A: b\rC: d\r\n\r\n", 400},
      {"carriage returns in a row", "GET / HTTP/1.1\r\r\n\r\n", 400},
      {"NUL in a header", start + std::string("A: b\0c\r\n\r\n", 10), 400},
      {"NUL in the target", std::string("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 29), 400},
      {"DEL in a header", start + "A: \x7f\r\n\r\n", 400},
      {"escape in a header", start + "A: \x1b[2J\r\n\r\n", 400},
      {"an empty first line", "\r\n\r\n", 400},
      {"TLS on a plain port", "\x16\x03\x01\x02", 400},
      {"a space at the start", " GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"a tab between", "GET\t/\tHTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"a space in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"an empty target", "GET  HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"no version", "GET /\r\nHost: x\r\n\r\n", 400},
      {"a space behind the version", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
      {"a version in small letters", "GET / http/1.1\r\nHost: x\r\n\r\n", 400},
      {"a version of three parts", "GET / HTTP/1.1.1\r\nHost: x\r\n\r\n", 400},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
      {"HTTP/0.9", "GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505},
      {"a method with a colon", "GE:T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"a method beyond ASCII", "G\xc3\x89T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"a long method", std::string(33, 'A') + " / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"a folded header", start + "A: b\r\n c\r\n\r\n", 400},
      {"a header folded by a tab", start + "A: b\r\n\tc\r\n\r\n", 400},
      {"a header folded at the start", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
      {"a space before the colon", start + "A : b\r\n\r\n", 400},
      {"a tab before the colon", start + "A\t: b\r\n\r\n", 400},
      {"a header without a colon", start + "A\r\n\r\n", 400},
      {"a header without a name", start + ": b\r\n\r\n", 400},
      {"a space in a name", start + "A B: c\r\n\r\n", 400},
      {"brackets in a name", start + "A[0]: c\r\n\r\n", 400},
      {"a name beyond ASCII", start + "\xc3\x89: c\r\n\r\n", 400},
      {"no Host", "GET / HTTP/1.1\r\nA: b\r\n\r\n", 400},
      {"two Hosts", start + "Host: x\r\n\r\n", 400},
      {"a length and chunks", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"chunks and a length", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
      {"two lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
      {"two equal lengths", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
      {"a list of lengths", post + "Content-Length: 5, 5\r\n\r\n", 400},
      {"a length with a sign", post + "Content-Length: +5\r\n\r\n", 400},
      {"a negative length", post + "Content-Length: -5\r\n\r\n", 400},
      {"a hexadecimal length", post + "Content-Length: 0x5\r\n\r\n", 400},
      {"a length with a fraction", post + "Content-Length: 5.0\r\n\r\n", 400},
      {"a length with a space", post + "Content-Length: 5 5\r\n\r\n", 400},
      {"an empty length", post + "Content-Length:\r\n\r\n", 400},
      {"a length over 2^64", post + "Content-Length: 18446744073709551616\r\n\r\n", 400},
      {"two codings", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
      {"a list of codings", post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"chunked twice", post + "Transfer-Encoding: chunked, chunked\r\n\r\n", 501},
      {"identity", post + "Transfer-Encoding: identity\r\n\r\n", 501},
      {"chunked with a vertical tab",
       post + "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n",
       400},
      {"chunked in quotes", post + "Transfer-Encoding: \"chunked\"\r\n\r\n", 501},
      {"xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n", 501},
      {"an empty coding", post + "Transfer-Encoding:\r\n\r\n", 501},
      {"chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"another expectation", post + "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n", 417},
      {"a long target", "GET /" + std::string(256, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
      {"a target without end", "GET /" + std::string(400, 'a'), 414},
      {"many headers", start + "A: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\nA: 1\r\n\r\n", 431},
      {"long headers", start + "A: " + std::string(1024, 'a') + "\r\n\r\n", 431},
      {"a header without end", start + "A: " + std::string(1024, 'a'), 431},
  };
  return table;
}

TEST(RequestHead, RefusesWhatIsMalformed) {
  for (const Malformed& entry : malformed()) EXPECT_EQ(refused(entry.bytes), entry.status) << entry.what;
}

TEST(RequestHead, TakesWhatTheRulesAllow) {
  for (const std::string_view bytes :
       {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\t CHUNKED \r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 007\r\n\r\n", "M-SEARCH / HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nName: \xc3\xa9\xff\r\n\r\n"}) {
    EXPECT_EQ(refused(bytes), 0U) << bytes;
  }
}

TEST(RequestHead, ALimitIsTheLastLengthThatFits) {
  const std::string start = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
  const std::string fits = start + std::string(kLimits.head_bytes - start.size() - 4, 'a') + "\r\n\r\n";
  EXPECT_EQ(fits.size(), kLimits.head_bytes);
  EXPECT_EQ(refused(fits), 0U);
  EXPECT_EQ(refused(start + "a" + fits.substr(start.size())), 431U);
  const std::string target(kLimits.target_bytes - 1, 'a');
  EXPECT_EQ(refused(str("GET /", target, " HTTP/1.1\r\nHost: x\r\n\r\n")), 0U);
}

Framing framing(std::string_view bytes) { return framing_of(parse_head(bytes, kLimits).take()).take(); }

TEST(RequestHead, SaysHowItGoesOn) {
  EXPECT_TRUE(framing("GET / HTTP/1.1\r\nHost: x\r\n\r\n").keep_alive);
  EXPECT_FALSE(framing("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").keep_alive);
  EXPECT_FALSE(framing("GET / HTTP/1.1\r\nHost: x\r\nConnection: a\r\nConnection: b, CLOSE\r\n\r\n").keep_alive);
  EXPECT_FALSE(framing("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(framing("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  EXPECT_EQ(framing("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n").length, UINT64_MAX);
  EXPECT_TRUE(
      framing("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n").expects_continue);
  EXPECT_FALSE(framing("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n").expects_continue);
}

}  // namespace
}  // namespace kinglet::serve::http
