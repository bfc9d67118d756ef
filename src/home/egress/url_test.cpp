#include "home/egress/url.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "core/base/base.h"
#include "home/egress/egress.h"
#include "home/egress/reach.h"

namespace kinglet::egress {
namespace {

TEST(Url, IsTakenApart) {
  const Url url = parse_url("https://Registry.example/v2/a%20b?token=1#part");
  EXPECT_EQ(url.scheme, "https");
  EXPECT_EQ(url.port, 443);
  EXPECT_EQ(url.path, "/v2/a%20b");
  EXPECT_EQ(parse_url("http://[::1]:81/x").host, "[::1]");
  EXPECT_EQ(parse_url("http://a.example:8080").port, 8080);
}

TEST(Url, RefusesWhatCannotBeAsked) {
  for (const std::string_view text : {"", "ftp://a/b", "file:///etc/passwd", "https://user:pass@a.example/", "https://",
                                      "https://a b/", "http://a:99999/", "gopher://a", "https://a\r\nX: y/"}) {
    EXPECT_THROW(static_cast<void>(parse_url(text)), Error) << text;
  }
}

TEST(Url, RedirectsAreResolved) {
  const Url base = parse_url("https://a.example/v2/m/blobs/x?y=1");
  EXPECT_EQ(resolve(base, "/other").text, "https://a.example/other");
  EXPECT_EQ(resolve(base, "//b.example/z").host, "b.example");
  EXPECT_EQ(resolve(base, "http://c.example/").scheme, "http");
  EXPECT_TRUE(base.same_origin(resolve(base, "../z")));
  EXPECT_FALSE(base.same_origin(resolve(base, "https://a.example:444/")));
  EXPECT_FALSE(base.same_origin(resolve(base, "http://a.example/")));
  EXPECT_THROW(static_cast<void>(resolve(base, "file:///etc/passwd")), Error);
  EXPECT_THROW(static_cast<void>(resolve(base, "https://me:secret@b.example/")), Error);
}

TEST(Url, LoopbackIsAnAddressNotAName) {
  for (const std::string_view host : {"localhost", "localhost:1", "127.0.0.1", "127.9.8.7:5000", "[::1]", "[::1]:80"}) {
    EXPECT_TRUE(is_loopback(host)) << host;
  }
  for (const std::string_view host :
       {"127.evil.example", "localhost.example", "1.127.0.1", "[::2]", "", "registry.ollama.ai"}) {
    EXPECT_FALSE(is_loopback(host)) << host;
  }
}

Reach reach(const std::string& text) {
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  if (::inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1) return reach_of(reinterpret_cast<const sockaddr&>(six));
  sockaddr_in four{};
  four.sin_family = AF_INET;
  EXPECT_EQ(::inet_pton(AF_INET, text.c_str(), &four.sin_addr), 1) << text;
  return reach_of(reinterpret_cast<const sockaddr&>(four));
}

TEST(Reach, OfAddresses) {
  for (const char* text : {"127.0.0.1", "127.255.0.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(reach(text), Reach::kLoopback) << text;
  }
  for (const char* text :
       {"10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
        "255.255.255.255", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:192.168.0.1", "64:ff9b::10.0.0.1"}) {
    EXPECT_EQ(reach(text), Reach::kPrivate) << text;
  }
  for (const char* text : {"1.1.1.1", "172.32.0.1", "172.15.0.1", "192.169.0.1", "100.128.0.1", "9.255.255.255",
                           "11.0.0.0", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"}) {
    EXPECT_EQ(reach(text), Reach::kPublic) << text;
  }
}

}  // namespace
}  // namespace kinglet::egress
