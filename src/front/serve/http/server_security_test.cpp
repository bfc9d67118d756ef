// Requests that are meant to harm, over sockets. Tests that are named after an entry of the CVE list show that the same
// request finds nothing here.
#include <gtest/gtest.h>

#include "front/serve/http/raw_client.h"
#include "front/serve/http/test_handler.h"
#include "home/system/scratch_folder.h"

namespace kinglet::serve::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ServerSecurity : public testing::Test {
 protected:
  TestHandler handler;
  Server server{{.port = 0, .hosts = {"models.example"}, .origins = {"https://app.example", "http://localhost:*"}},
                handler};

  RawAnswer ask(const std::string& request) { return RawClient(server.port()).ask(request); }
};

TEST_F(ServerSecurity, RefusesMalformedRequestsAtOnceAndHangsUp) {
  const std::string start = "POST /e HTTP/1.1\r\nHost: localhost\r\n";
  const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::vector<std::pair<std::string, unsigned>> table = {
      {"GET / HTTP/1.1\nHost: localhost\n\n", 400},
      {"\x16\x03\x01\x02\x00\x01", 400},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
      {start + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 400},
      {start + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + smuggled, 400},
      {start + "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" + smuggled, 400},
      {start + "Content-Length: 44\r\nContent-Length: 0\r\n\r\n" + smuggled, 400},
      {start + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled, 400},
      {start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" + smuggled, 501},
      {start + "Foo: bar\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 400},
      {start + "Foo: bar\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, 400},
      {start + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + smuggled, 400},
      {start + "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n" + smuggled, 400},
      {start + "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n" + smuggled, 400},
      {start + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + smuggled, 413},
      {start + "Content-Length: 99999999999\r\n\r\n" + smuggled, 413},
      {"GET /" + std::string(10'000, 'a') + " HTTP/1.1\r\n", 414},
      {"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + std::string(40'000, 'a'), 431},
      {"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
      {"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403},
      {"GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {"GET /a HTTP/1.1\r\nHost: u@localhost\r\n\r\n", 400},
      {"GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
  };
  std::vector<std::chrono::steady_clock::duration> times;
  for (const auto& [request, status] : table) {
    RawClient client(server.port());
    const auto begin = std::chrono::steady_clock::now();
    const RawAnswer answer = client.ask(request);
    times.push_back(std::chrono::steady_clock::now() - begin);
    EXPECT_EQ(answer.status, status) << request;
    EXPECT_TRUE(answer.body.starts_with("refused ")) << answer.body;
    if (status == 403) continue;
    EXPECT_EQ(answer.headers.find("connection"), "close") << request;
    EXPECT_EQ(client.read_all(), "") << request;
  }
  // The median, as other programs may take the CPU for a while.
  std::ranges::sort(times);
  EXPECT_LT(times[times.size() / 2], milliseconds(KINGLET_SANITIZED != 0 ? 500 : 50));
  EXPECT_EQ(handler.n_handled, 0);
}

TEST_F(ServerSecurity, AnAbsoluteTargetMayNameThisServer) {
  EXPECT_EQ(ask("GET http://localhost:1/a HTTP/1.1\r\nHost: localhost:1\r\n\r\n").body, "GET /a? ");
}

TEST_F(ServerSecurity, TakesNoBodyWithAContentEncoding) {
  const RawAnswer answer =
      ask("POST /e HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08!");
  EXPECT_EQ(answer.status, 415U);
  EXPECT_EQ(
      ask("POST /e HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi").status,
      200U);
}

TEST_F(ServerSecurity, CVE_2024_28224_PagesCannotReachItByDnsRebinding) {
  for (const std::string_view host : {"evil.example", "evil.example:11434", "127.0.0.1.evil.example",
                                      "localhost.evil.example", "127.evil.example", "xmodels.example"}) {
    EXPECT_EQ(ask(str("GET /a HTTP/1.1\r\nHost: ", host, "\r\n\r\n")).status, 403U) << host;
  }
  EXPECT_EQ(handler.n_handled, 0);
  for (const std::string_view host :
       {"localhost", "LOCALHOST:11434", "127.0.0.1:1", "[::1]", "app.localhost", "models.example"}) {
    EXPECT_EQ(ask(str("GET /a HTTP/1.1\r\nHost: ", host, "\r\n\r\n")).status, 200U) << host;
  }
}

TEST(ServerSecurityWide, CVE_2024_28224_NorWhereItListensOnAllAddresses) {
  TestHandler handler;
  const Server server({.host = "0.0.0.0", .port = 0}, handler);
  EXPECT_EQ(RawClient(server.port()).ask("GET /a HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 403U);
  EXPECT_EQ(RawClient(server.port()).ask("GET /a HTTP/1.1\r\nHost: 192.168.1.7\r\n\r\n").status, 200U);
}

TEST_F(ServerSecurity, CVE_2024_37032_NoPathClimbsOutOfItsFolder) {
  for (const std::string_view path :
       {"/api/blobs/../../etc/passwd", "/api/blobs/%2e%2e/%2e%2e/etc/passwd", "/api/blobs/..%2f..%2fetc/passwd", "/..",
        "/a/.%2e/b", "/api/blobs/sha256:..%5c..%5cx", "/api/blobs/%00", "/api/blobs/%c0%ae%c0%ae/x"}) {
    EXPECT_EQ(ask(str("GET ", path, " HTTP/1.1\r\nHost: localhost\r\n\r\n")).status, 400U) << path;
    EXPECT_EQ(ask(str("HEAD ", path, " HTTP/1.1\r\nHost: localhost\r\n\r\n")).status, 400U) << path;
  }
  EXPECT_EQ(handler.n_handled, 0);
}

TEST_F(ServerSecurity, CVE_2024_12886_NoBodyGrowsWhenItIsRead) {
  std::string request =
      "POST /e HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(ask(request).status, 415U);
  // Nor does one without a length: it ends where the route's limit is.
  request = "POST /e HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 17; ++i) request += str("10000\r\n", std::string(65536, 'a'), "\r\n");
  EXPECT_EQ(ask(request).status, 413U);
  EXPECT_EQ(handler.n_handled, 0);
}

TEST_F(ServerSecurity, LetsPagesOfAllowedOriginsAskAndNoOthers) {
  const auto from = [&](std::string_view origin) {
    return ask(str("POST /e HTTP/1.1\r\nHost: localhost\r\nOrigin: ", origin, "\r\nContent-Length: 2\r\n\r\nhi"));
  };
  const RawAnswer allowed = from("https://app.example");
  EXPECT_EQ(allowed.status, 200U);
  EXPECT_EQ(allowed.headers.find("access-control-allow-origin"), "https://app.example");
  EXPECT_EQ(allowed.headers.find("vary"), "Origin");
  EXPECT_EQ(from("http://localhost:3000").status, 200U);
  handler.n_handled = 0;
  for (const std::string_view origin :
       {"https://evil.example", "null", "https://app.example.evil.example", "http://localhost.evil.example"}) {
    const RawAnswer refused = from(origin);
    EXPECT_EQ(refused.status, 403U) << origin;
    EXPECT_EQ(refused.headers.count("access-control-allow-origin"), 0U) << origin;
  }
  EXPECT_EQ(handler.n_handled, 0);
}

TEST_F(ServerSecurity, AnswersPreflights) {
  const std::string asked =
      "OPTIONS /api/chat HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\n"
      "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization, x-a\r\n\r\n";
  RawClient client(server.port());
  const RawAnswer answer = client.ask(asked);
  EXPECT_EQ(answer.status, 204U);
  EXPECT_EQ(answer.headers.find("access-control-allow-origin"), "https://app.example");
  EXPECT_EQ(answer.headers.find("access-control-allow-headers"), "authorization, x-a");
  EXPECT_NE(answer.headers.find("access-control-allow-methods")->find("POST"), std::string_view::npos);
  EXPECT_EQ(handler.n_handled, 0);
  EXPECT_EQ(client.ask("OPTIONS /a HTTP/1.1\r\nHost: localhost\r\n\r\n").body, "OPTIONS /a? ");
  EXPECT_EQ(ask("OPTIONS /a HTTP/1.1\r\nHost: localhost\r\nOrigin: "
                "https://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n")
                .status,
            403U);
}

TEST_F(ServerSecurity, AnyBytesAtAllCrashNothing) {
  uint64_t state = 7;
  for (int i = 0; i < 300; ++i) {
    std::string bytes;
    for (int k = 0; k < 400; ++k) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      constexpr std::string_view kWords[] = {"GET ",
                                             "POST ",
                                             "/",
                                             "a",
                                             " HTTP/1.1\r\n",
                                             "Host: localhost\r\n",
                                             "Content-Length: 3\r\n",
                                             "Transfer-Encoding: chunked\r\n",
                                             "\r\n",
                                             "5\r\n",
                                             "0\r\n\r\n",
                                             "%",
                                             ":",
                                             "\n",
                                             "\r",
                                             "\xff"};
      bytes += kWords[state >> 33 & 15];
      if ((state >> 40 & 31) == 0) bytes += static_cast<char>(state >> 50);
    }
    RawClient client(server.port());
    client.send(bytes);
    client.end_writing();
    client.read_all(seconds(2));
  }
  EXPECT_EQ(ask("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200U);
}

}  // namespace
}  // namespace kinglet::serve::http
