// What a well-behaved client gets: on loopback, byte by byte.
#include "front/serve/http/server.h"

#include <gtest/gtest.h>

#include "front/serve/http/raw_client.h"
#include "front/serve/http/test_handler.h"
#include "home/system/scratch_folder.h"

namespace kinglet::serve::http {
namespace {

class ServerTest : public testing::Test {
 protected:
  TestHandler handler;
  Server server{test_options(), handler};
};

TEST_F(ServerTest, AnswersARequest) {
  RawClient client(server.port());
  const RawAnswer answer = client.ask("GET /a%20b/%C3%A9?x=1%202 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.body, "GET /a b/\xC3\xA9?x=1%202 ");
  EXPECT_EQ(answer.headers.find("content-length"), str(answer.body.size()));
  EXPECT_EQ(answer.headers.count("connection"), 0U);
  EXPECT_EQ(answer.headers.count("date"), 1U);
  EXPECT_FALSE(answer.headers.find("x-request-id")->empty());
}

TEST_F(ServerTest, ReadsBodiesByLengthAndInChunks) {
  RawClient client(server.port());
  EXPECT_EQ(client.ask("POST /e HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello").body, "POST /e? hello");
  const RawAnswer chunked = client.ask(
      "POST /e HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\n");
  EXPECT_EQ(chunked.body, "POST /e? hello");
}

TEST_F(ServerTest, ReadsARequestThatComesByteByByte) {
  RawClient client(server.port());
  for (const char c : std::string_view("POST /e HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi")) {
    client.send({&c, 1});
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  EXPECT_EQ(client.read().body, "POST /e? hi");
}

TEST_F(ServerTest, KeepsConnectionsAliveAndAnswersPipelinedRequestsInOrder) {
  RawClient client(server.port());
  std::string all;
  for (int i = 0; i < 200; ++i) {
    all += i % 3 == 0 ? str("GET /", i, " HTTP/1.1\r\nHost: localhost\r\n\r\n")
                      : str("POST /", i, " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc");
  }
  std::thread sender([&] { client.send(all); });
  for (int i = 0; i < 200; ++i) {
    const RawAnswer answer = client.read();
    EXPECT_EQ(answer.body, i % 3 == 0 ? str("GET /", i, "? ") : str("POST /", i, "? abc"));
  }
  sender.join();
  EXPECT_EQ(server.statistics().n_connections, 1U);
  EXPECT_EQ(server.statistics().n_requests, 200U);
}

TEST_F(ServerTest, ClosesWhenItIsAskedTo) {
  RawClient client(server.port());
  const RawAnswer answer = client.ask("GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: Foo, Close\r\n\r\n");
  EXPECT_EQ(answer.headers.find("connection"), "close");
  EXPECT_TRUE(client.ends_within(std::chrono::seconds(2)));
}

TEST_F(ServerTest, SpeaksHttp10) {
  RawClient client(server.port());
  EXPECT_EQ(client.ask("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").headers.find("connection"), "keep-alive");
  const RawAnswer stream = client.ask("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(stream.body.size(), 50U);
  EXPECT_EQ(stream.headers.count("transfer-encoding"), 0U);
  EXPECT_EQ(stream.headers.find("connection"), "close");
}

TEST_F(ServerTest, StreamsInChunks) {
  RawClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    const RawAnswer answer = client.ask("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(answer.headers.find("transfer-encoding"), "chunked");
    EXPECT_TRUE(answer.whole);
    EXPECT_EQ(answer.body, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee");
  }
  EXPECT_TRUE(eventually([&] { return handler.n_sources == 0; }));
}

TEST_F(ServerTest, SendsEachChunkAtOnce) {
  RawClient client(server.port());
  client.send("GET /stream-slowly HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto start = std::chrono::steady_clock::now();
  while (client.received().find("aaaaaaaaaa") == std::string::npos) ASSERT_TRUE(client.read_more());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(1000));
  EXPECT_EQ(client.received().find("jjjjjjjjjj"), std::string::npos);
}

TEST_F(ServerTest, AnswersHeadWithoutBodies) {
  RawClient client(server.port());
  const RawAnswer whole = client.ask("HEAD /abc HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(whole.headers.find("content-length"), "11");
  const RawAnswer stream = client.ask("HEAD /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(stream.headers.find("transfer-encoding"), "chunked");
  EXPECT_EQ(client.ask("GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n").body, "GET /b? ");
  EXPECT_TRUE(eventually([&] { return handler.n_sources == 0; }));
}

TEST_F(ServerTest, AnswersWithoutContentHaveNoLength) {
  RawClient client(server.port());
  const RawAnswer answer = client.ask("GET /empty HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(answer.status, 204U);
  EXPECT_EQ(answer.headers.count("content-length"), 0U);
  EXPECT_EQ(client.ask("GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n").body, "GET /b? ");
}

TEST_F(ServerTest, SaysContinueWhenItWillReadTheBody) {
  RawClient client(server.port());
  client.send("POST /e HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  while (client.received().find("\r\n\r\n") == std::string::npos) ASSERT_TRUE(client.read_more());
  EXPECT_EQ(client.received(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_EQ(client.read().body, "POST /e? ok");
}

TEST_F(ServerTest, RefusesBeforeTheBodyIsSent) {
  RawClient client(server.port());
  const RawAnswer answer = client.ask(
      "POST /missing HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 100000000\r\n\r\n");
  EXPECT_EQ(answer.status, 404U);
  EXPECT_EQ(answer.headers.find("connection"), "close");
  EXPECT_EQ(handler.n_handled, 0);
}

TEST_F(ServerTest, GivesLargeBodiesToTheirSink) {
  RawClient client(server.port());
  client.send(str("POST /sink HTTP/1.1\r\nHost: localhost\r\nContent-Length: ", uint64_t{64} << 20, "\r\n\r\n"));
  const std::string piece(size_t{1} << 20, 'z');
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(client.send(piece));
  EXPECT_EQ(client.read().body, str(uint64_t{64} << 20));
  EXPECT_EQ(client.ask("POST /sink HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").body, "0");
  EXPECT_TRUE(eventually([&] { return handler.n_sinks == 0; }));
}

TEST_F(ServerTest, AnErrorOfASinkEndsItsRequest) {
  RawClient client(server.port());
  const RawAnswer answer = client.ask("POST /sink HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nfull");
  EXPECT_EQ(answer.status, 507U);
  EXPECT_EQ(answer.body, "refused /sink: the disk is full");
  EXPECT_EQ(handler.n_sinks, 0);
}

TEST_F(ServerTest, TellsErrorsOfHandlersButNotWhatIsInside) {
  RawClient client(server.port());
  const RawAnswer known = client.ask("GET /throws HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(known.status, 404U);
  EXPECT_EQ(known.body, "refused /throws: no model \"tiny\"");
  const RawAnswer other = client.ask("GET /throws-else HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(other.status, 500U);
  EXPECT_EQ(other.body.find("secret"), std::string::npos);
  EXPECT_EQ(client.ask("GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200U);
}

TEST_F(ServerTest, NoAnswerCanBeSplitInTwo) {
  RawClient client(server.port());
  const RawAnswer answer = client.ask("GET /splits HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(answer.status, 500U);
  EXPECT_EQ(answer.headers.count("set-cookie"), 0U);
}

TEST_F(ServerTest, AStreamThatFailsBreaksOff) {
  RawClient client(server.port());
  const RawAnswer answer = client.ask("GET /broken HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(answer.body, "first");
  EXPECT_FALSE(answer.whole);
  ASSERT_TRUE(eventually([&] { return !handler.exchanges().empty(); }));
  EXPECT_EQ(handler.exchanges().front().outcome, Outcome::kFailed);
}

TEST_F(ServerTest, KeepsUsableRequestIdsAndMakesOthers) {
  RawClient client(server.port());
  EXPECT_EQ(
      client.ask("GET /a HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: abc-1.2\r\n\r\n").headers.find("x-request-id"),
      "abc-1.2");
  const RawAnswer made = client.ask("GET /a HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a b\"\r\n\r\n");
  EXPECT_TRUE(made.headers.find("x-request-id")->starts_with("req-"));
}

TEST_F(ServerTest, TellsWhatHappened) {
  RawClient client(server.port());
  client.ask(
      "POST /e HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
      "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\nhello");
  ASSERT_TRUE(eventually([&] { return handler.exchanges().size() == 1; }));
  const Exchange exchange = handler.exchanges().front();
  EXPECT_EQ(exchange.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(exchange.method, "POST");
  EXPECT_EQ(exchange.path, "/e");
  EXPECT_EQ(exchange.status, 200U);
  EXPECT_EQ(exchange.n_body_bytes_in, 5U);
  EXPECT_EQ(exchange.n_body_bytes_out, 14U);
  EXPECT_TRUE(exchange.peer.starts_with("127.0.0.1:"));
  EXPECT_EQ(exchange.outcome, Outcome::kComplete);
}

TEST_F(ServerTest, AnswersManyAtOnce) {
  std::vector<std::thread> clients;
  std::atomic<int> n_right{0};
  for (int i = 0; i < 16; ++i) {
    clients.emplace_back([&, i] {
      RawClient client(server.port());
      for (int k = 0; k < 50; ++k) {
        const std::string path = str("/", i, "/", k);
        n_right +=
            client.ask(str("GET ", path, " HTTP/1.1\r\nHost: localhost\r\n\r\n")).body == str("GET ", path, "? ");
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(n_right, 800);
}

TEST(ServerSockets, ListensOnAUnixSocketForThisUserAlone) {
  const system::ScratchFolder folder("http_unix");
  const std::string path = folder.path() + "/kinglet.sock";
  TestHandler handler;
  {
    Server server({.host = "", .unix_path = path}, handler);
    EXPECT_EQ(server.addresses(), std::vector<std::string>{"unix:" + path});
    EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
    RawClient client(path);
    EXPECT_EQ(client.ask("GET /a HTTP/1.1\r\nHost: whatever.example\r\n\r\n").body, "GET /a? ");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ServerSockets, TakesThePlaceOfADeadSocketAndOfNothingElse) {
  const system::ScratchFolder folder("http_unix");
  const std::string path = folder.path() + "/kinglet.sock";
  TestHandler handler;
  {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ::close(fd);
  }
  const Server server({.host = "", .unix_path = path}, handler);
  EXPECT_THROW(Server({.host = "", .unix_path = path}, handler), Error);
  RawClient client(path);
  EXPECT_EQ(client.ask("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200U);
  const std::string file = folder.path() + "/file";
  std::ofstream(file) << "mine";
  EXPECT_THROW(Server({.host = "", .unix_path = file}, handler), Error);
  EXPECT_TRUE(std::filesystem::is_regular_file(file));
}

TEST(ServerSockets, TakesOverSocketsThatAreOpenAlready) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), length), 0);
  TestHandler handler;
  EXPECT_THROW(Server({.host = "", .inherited_fds = {fd}}, handler), Error);
  ASSERT_EQ(::listen(fd, 8), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
  // Who connects before the server starts is answered when it has.
  RawClient early(ntohs(address.sin_port));
  const Server server({.host = "", .inherited_fds = {fd}}, handler);
  EXPECT_EQ(server.port(), ntohs(address.sin_port));
  EXPECT_EQ(early.ask("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200U);
  early.close();
}

TEST(ServerSockets, SaysWhatCannotBe) {
  TestHandler handler;
  const Server server(test_options(), handler);
  EXPECT_EQ(server.addresses(), std::vector<std::string>{str("http://127.0.0.1:", server.port())});
  EXPECT_THROW(Server({.port = server.port()}, handler), Error);
  EXPECT_THROW(Server({.host = "no.such.host.invalid"}, handler), Error);
  EXPECT_THROW(Server({.host = ""}, handler), Error);
  EXPECT_THROW(Server({.port = 0, .hosts = {"http://a"}}, handler), Error);
  EXPECT_THROW(Server({.port = 0, .origins = {"a.example"}}, handler), Error);
  EXPECT_THROW(Server({.port = 0, .tls_certificate = "/nowhere"}, handler), Error);
}

TEST(ServerThreads, UsesSeveralForSocketsIfTold) {
  TestHandler handler;
  ServerOptions options = test_options();
  options.n_io_threads = 2;
  const Server server(options, handler);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(std::make_unique<RawClient>(server.port()));
  for (const auto& client : clients) {
    EXPECT_EQ(client->ask("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n").body.size(), 50U);
  }
}

}  // namespace
}  // namespace kinglet::serve::http
