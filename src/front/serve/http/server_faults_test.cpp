// Clients that are slow, gone, or too many, and a server that stops.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "front/serve/http/connect_and_drop.h"
#include "front/serve/http/raw_client.h"
#include "front/serve/http/test_handler.h"

namespace kinglet::serve::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kWait = "GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr std::string_view kHealth = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

std::string get(std::string_view path) { return str("GET ", path, " HTTP/1.1\r\nHost: localhost\r\n\r\n"); }

TEST(ServerFaults, CancelsTheWorkOfAClientThatCloses) {
  TestHandler handler;
  const Server server(test_options(), handler);
  // The median, as other programs may take the CPU for a while.
  std::vector<Clock::duration> times;
  for (int i = 0; i < 9; ++i) {
    const int n_before = handler.n_cancelled;
    RawClient client(server.port());
    client.send(kWait);
    ASSERT_TRUE(eventually([&] { return handler.n_waiting == 1; }));
    const auto start = Clock::now();
    i % 2 == 0 ? client.drop() : client.close();
    ASSERT_TRUE(eventually([&] { return handler.n_cancelled == n_before + 1; }));
    times.push_back(Clock::now() - start);
  }
  std::ranges::sort(times);
  EXPECT_LT(times[4], milliseconds(KINGLET_SANITIZED != 0 ? 500 : 50));
  EXPECT_TRUE(eventually([&] { return server.statistics().n_connections_now == 0; }));
}

TEST(ServerFaults, CancelsTheStreamOfAClientThatCloses) {
  TestHandler handler;
  const Server server(test_options(), handler);
  RawClient client(server.port());
  client.send(get("/stream-on"));
  ASSERT_TRUE(client.read_more());
  EXPECT_EQ(handler.n_sources, 1);
  client.close();
  EXPECT_TRUE(eventually([&] { return handler.n_sources == 0; }));
  ASSERT_TRUE(eventually([&] { return handler.exchanges().size() == 1; }));
  EXPECT_EQ(handler.exchanges().front().outcome, Outcome::kClientGone);
  EXPECT_EQ(server.statistics().n_client_gone, 1U);
}

TEST(ServerFaults, NoticesThatAClientIsGoneBehindWhatItSentAhead) {
  TestHandler handler;
  const Server server(test_options(), handler);
  RawClient client(server.port());
  client.send(kWait);
  for (int i = 0; i < 2000; ++i) client.send(kHealth);
  ASSERT_TRUE(eventually([&] { return handler.n_waiting == 1; }));
  client.close();
  EXPECT_TRUE(eventually([&] { return handler.n_cancelled == 1; }));
}

TEST(ServerFaults, AnswersAClientThatHasSaidAll) {
  TestHandler handler;
  const Server server(test_options(), handler);
  RawClient client(server.port());
  client.send(get("/sleep"));
  client.end_writing();
  EXPECT_EQ(client.read().body, "slept");
}

TEST(ServerFaults, AStreamForAClientThatHasEndedItsSideIsCancelled) {
  TestHandler handler;
  const Server server(test_options(), handler);
  for (int i = 0; i < 50; ++i) {
    RawClient client(server.port());
    client.send(get(i % 2 == 0 ? "/stream-on" : "/stream-late"));
    client.end_writing();
    client.read_all();
  }
  EXPECT_TRUE(eventually([&] { return handler.n_sources == 0; }));
  EXPECT_TRUE(eventually([&] { return server.statistics().n_client_gone == 50; }));
}

TEST(ServerFaults, AnUploadThatBreaksOffIsNeverHandled) {
  TestHandler handler;
  const Server server(test_options(), handler);
  for (int i = 0; i < 20; ++i) {
    RawClient client(server.port());
    client.send("POST /sink HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n");
    client.send(std::string(size_t{1} << 20, 'a'));
    ASSERT_TRUE(eventually([&] { return handler.n_sinks == 1; }));
    i % 2 == 0 ? client.drop() : client.close();
    ASSERT_TRUE(eventually([&] { return handler.n_sinks == 0; }));
  }
  EXPECT_EQ(handler.n_handled, 0);
  EXPECT_TRUE(eventually([&] { return server.statistics().n_requests_now == 0; }));
}

TEST(ServerFaults, AHandlerThatCannotEvenRefuseCostsAnAnswerOnly) {
  struct Failing final : TestHandler {
    BodyRule body_rule(const Request& head) override {
      if (head.path == "/rule") throw std::runtime_error("no rule");
      return TestHandler::body_rule(head);
    }
    Response refuse(unsigned, std::string_view, std::string_view) override { throw std::bad_alloc(); }
  } handler;
  const Server server(test_options(), handler);
  RawClient client(server.port());
  for (const std::string_view path : {"/throws", "/throws-else", "/rule"}) {
    EXPECT_EQ(client.ask(get(path)).status, 500U) << path;
  }
  EXPECT_EQ(client.ask(kHealth).status, 200U);
  EXPECT_EQ(client.ask("GET / HTTP/1.1\n").status, 500U);
}

TEST(ServerFaults, CutsOffAClientThatDoesNotRead) {
  TestHandler handler;
  ServerOptions options = test_options();
  options.limits.write_time = milliseconds(200);
  const Server server(options, handler);
  RawClient flooded(server.port(), 4096);
  RawClient big(server.port(), 4096);
  flooded.send(get("/flood"));
  big.send(get("/big"));
  ASSERT_TRUE(eventually([&] { return server.statistics().n_timeouts == 2; }));
  EXPECT_TRUE(eventually([&] { return handler.n_sources == 0; }));
  // No more was made than the system's buffers hold.
  EXPECT_LT(server.statistics().n_bytes_out, uint64_t{4} << 20);
  EXPECT_EQ(handler.exchanges().back().outcome, Outcome::kTimeout);
}

TEST(ServerFaults, CutsOffAClientThatReadsAByteAtATime) {
  TestHandler handler;
  ServerOptions options = test_options();
  options.limits.write_time = milliseconds(300);
  const Server server(options, handler);
  RawClient client(server.port(), 4096);
  client.send(get("/flood"));
  const auto start = Clock::now();
  char byte = 0;
  while (server.statistics().n_timeouts == 0 && Clock::now() - start < seconds(10)) {
    if (::recv(client.fd(), &byte, 1, MSG_DONTWAIT) == 0) break;
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_EQ(server.statistics().n_timeouts, 1U);
}

TEST(ServerFaults, DoesNotWaitForASlowHead) {
  TestHandler handler;
  ServerOptions options = test_options();
  options.limits.head_time = milliseconds(200);
  const Server server(options, handler);
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: local");
  EXPECT_EQ(client.read().status, 408U);
  EXPECT_TRUE(client.ends_within(seconds(3)));
  // A byte now and then does not help.
  RawClient drip(server.port());
  const auto start = Clock::now();
  while (drip.received().empty() && Clock::now() - start < seconds(5)) {
    if (!drip.send("A")) break;
    pollfd entry{drip.fd(), POLLIN, 0};
    if (::poll(&entry, 1, 30) > 0) drip.read_more();
  }
  EXPECT_TRUE(drip.received().starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(server.statistics().n_timeouts, 2U);
}

TEST(ServerFaults, DoesNotWaitForASlowBody) {
  TestHandler handler;
  ServerOptions options = test_options();
  options.limits.body_time = milliseconds(400);
  const Server server(options, handler);
  RawClient client(server.port());
  EXPECT_EQ(client.ask("POST /e HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhello").status, 408U);
  // What comes steadily may take longer in all.
  RawClient steady(server.port());
  steady.send("POST /e HTTP/1.1\r\nHost: localhost\r\nContent-Length: 24000\r\n\r\n");
  for (int i = 0; i < 24; ++i) {
    ASSERT_TRUE(steady.send(std::string(1000, 'a')));
    std::this_thread::sleep_for(milliseconds(30));
  }
  EXPECT_EQ(steady.read().status, 200U);
}

TEST(ServerFaults, ClosesIdleConnectionsWithoutAWord) {
  TestHandler handler;
  ServerOptions options = test_options();
  options.limits.idle_time = milliseconds(200);
  const Server server(options, handler);
  RawClient client(server.port());
  EXPECT_EQ(client.ask(kHealth).status, 200U);
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(server.statistics().n_timeouts, 0U);
  EXPECT_TRUE(eventually([&] { return server.statistics().n_connections_now == 0; }));
}

TEST(ServerFaults, TurnsAwayConnectionsOverTheLimit) {
  TestHandler handler;
  ServerOptions options = test_options();
  options.limits.n_connections = 2;
  const Server server(options, handler);
  RawClient first(server.port());
  RawClient second(server.port());
  EXPECT_EQ(first.ask(kHealth).status, 200U);
  EXPECT_EQ(second.ask(kHealth).status, 200U);
  RawClient third(server.port());
  EXPECT_EQ(third.read().status, 503U);
  EXPECT_EQ(server.statistics().n_connections_refused, 1U);
  first.close();
  ASSERT_TRUE(eventually([&] { return server.statistics().n_connections_now == 1; }));
  RawClient fourth(server.port());
  EXPECT_EQ(fourth.ask(kHealth).status, 200U);
}

TEST(ServerFaults, SaysThatItIsBusyButStaysHealthy) {
  TestHandler handler;
  ServerOptions options = test_options();
  options.limits.n_workers = 1;
  options.limits.n_urgent_workers = 1;
  const Server server(options, handler);
  RawClient waiting(server.port());
  waiting.send(kWait);
  ASSERT_TRUE(eventually([&] { return handler.n_waiting == 1; }));
  RawClient client(server.port());
  const RawAnswer busy = client.ask(get("/a"));
  EXPECT_EQ(busy.status, 503U);
  EXPECT_EQ(busy.headers.find("retry-after"), "1");
  EXPECT_EQ(busy.body, "refused /a: the server is busy: all workers are taken");
  EXPECT_EQ(client.ask(kHealth).status, 200U);
  waiting.close();
  ASSERT_TRUE(eventually([&] { return handler.n_cancelled == 1 && server.statistics().n_requests_now == 0; }));
  // A place is free as soon as its answer is there.
  for (int i = 0; i < 40; ++i) ASSERT_EQ(client.ask(get(i % 2 == 0 ? "/a" : "/stream")).status, 200U) << i;
}

TEST(ServerFaults, HoldsSoManyBytesOfRequestsAndNoMore) {
  TestHandler handler;
  ServerOptions options = test_options();
  options.limits.held_bytes = 100'000;
  const Server server(options, handler);
  const std::string head = "POST /e HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n";
  RawClient first(server.port());
  first.send(head + std::string(59'999, 'a'));
  ASSERT_TRUE(eventually([&] { return server.statistics().n_bytes_in >= 60'000; }));
  RawClient second(server.port());
  EXPECT_EQ(second.ask(head + std::string(60'000, 'a')).status, 503U);
  first.send("a");
  EXPECT_EQ(first.read().status, 200U);
  EXPECT_EQ(first.ask(head + std::string(60'000, 'a')).status, 200U);
}

TEST(ServerFaults, ClientsThatConnectAndDropLeaveNothing) {
  TestHandler handler;
  const Server server(test_options(), handler);
  EXPECT_TRUE(connect_and_drop(server, 500));
  EXPECT_TRUE(eventually([&] { return handler.n_sources == 0 && handler.n_waiting == 0; }));
  RawClient client(server.port());
  EXPECT_EQ(client.ask(kHealth).status, 200U);
}

TEST(ServerStop, LetsAnswersFinishAndTakesNoMore) {
  TestHandler handler;
  auto server = std::make_unique<Server>(test_options(), handler);
  RawClient idle(server->port());
  EXPECT_EQ(idle.ask(kHealth).status, 200U);
  RawClient sleeping(server->port());
  RawClient streaming(server->port());
  sleeping.send(get("/sleep"));
  streaming.send(get("/stream-slowly"));
  ASSERT_TRUE(streaming.read_more());
  ASSERT_TRUE(eventually([&] { return handler.n_handled == 3; }));
  const uint16_t port = server->port();
  server->stop();
  EXPECT_TRUE(idle.ends_within(seconds(1)));
  EXPECT_TRUE(eventually([&] {
    try {
      return RawClient(port).read_all(milliseconds(200)).empty() && false;
    } catch (const std::runtime_error&) {
      return true;
    }
  }));
  const RawAnswer slept = sleeping.read();
  EXPECT_EQ(slept.body, "slept");
  EXPECT_EQ(slept.headers.find("connection"), "close");
  EXPECT_TRUE(streaming.read().whole);
  EXPECT_TRUE(streaming.ends_within(seconds(3)));
  sleeping.close();
  streaming.close();
  server->wait();
  EXPECT_EQ(server->statistics().n_connections_now, 0U);
}

TEST(ServerStop, CancelsWhatTakesTooLong) {
  TestHandler handler;
  ServerOptions options = test_options();
  options.limits.stop_time = milliseconds(200);
  options.limits.last_words_time = milliseconds(200);
  Server server(options, handler);
  RawClient waiting(server.port());
  RawClient streaming(server.port());
  waiting.send(kWait);
  streaming.send(get("/stream-on"));
  ASSERT_TRUE(eventually([&] { return handler.n_waiting == 1 && handler.n_sources == 1; }));
  const auto start = Clock::now();
  server.stop();
  // Who heeds it still answers; who does not is cut off.
  EXPECT_EQ(waiting.read().body, "cancelled");
  EXPECT_FALSE(streaming.read().whole);
  server.wait();
  EXPECT_LT(Clock::now() - start, seconds(8));
  EXPECT_EQ(handler.n_sources, 0);
  EXPECT_TRUE(
      std::ranges::any_of(handler.exchanges(), [](const Exchange& e) { return e.outcome == Outcome::kStopped; }));
}

}  // namespace
}  // namespace kinglet::serve::http
