#include "home/egress/egress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/base.h"
#include "home/egress/loopback_server.h"
#include "home/system/scratch_folder.h"
#include "home/system/test_failure.h"

namespace kinglet::egress {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A door with a ledger of its own.
struct House {
  explicit House(DoorOptions options = {}) : door(std::move(options), ledger) {}

  [[nodiscard]] std::vector<ledger::Record> rows() const {
    std::vector<ledger::Record> records;
    ledger.read(0, [&](const ledger::Entry& entry) {
      records.push_back(entry.record);
      return true;
    });
    return records;
  }

  system::ScratchFolder folder{"egress"};
  db::Database database{folder.path() + "/k.db"};
  ledger::Ledger ledger{database};
  Door door;
};

Error failure(House& house, const Request& request) {
  return system::failure([&] { house.door.send(request); });
}

TEST(Egress, BringsAnAnswerAndWritesItDown) {
  LoopbackServer server(
      [](const ServerRequest&) { return ServerAnswer{.headers = {{"X-Word", " yes "}}, .body = "the answer"}; });
  House house;
  const Response response = house.door.send(
      {.url = server.url("/path?secret=1"), .headers = {{"Accept", "text/plain"}}, .authorization = "Bearer abc"});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "the answer");
  EXPECT_EQ(response.header("x-word"), "yes");
  const std::vector<ServerRequest> requests = server.requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].headers.at("accept"), "text/plain");
  EXPECT_EQ(requests[0].headers.at("authorization"), "Bearer abc");
  const std::vector<ledger::Record> rows = house.rows();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].outcome, "opening");
  EXPECT_EQ(rows[0].request, "GET /path");
  EXPECT_EQ(rows[0].host, "127.0.0.1");
  EXPECT_EQ(rows[0].port, server.port());
  EXPECT_EQ(rows[1].opening_id, 1);
  EXPECT_EQ(rows[1].outcome, "200");
  EXPECT_GT(rows[1].bytes_out, 50U);
  EXPECT_GT(rows[1].bytes_in, 50U);
  EXPECT_FALSE(house.ledger.verify());
}

TEST(Egress, StatusesAreAnswers) {
  LoopbackServer server([](const ServerRequest& request) {
    return ServerAnswer{.status = std::stoi(request.target.substr(1)), .body = "why"};
  });
  House house;
  for (const int status : {204, 401, 404, 429, 500}) {
    bool saw_head = false;
    const Response response = house.door.send({.url = server.url(str("/", status)),
                                               .sink = [](std::span<const std::byte>) {},
                                               .on_head = [&](const Response&) { saw_head = true; }});
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(saw_head, status < 300);
    if (status > 300) {
      EXPECT_EQ(response.body, "why");
    }
    EXPECT_EQ(house.rows().back().outcome, str(status));
  }
}

TEST(Egress, OfflineRefusesEverything) {
  LoopbackServer server([](const ServerRequest&) { return ServerAnswer{}; });
  House house({.offline = true});
  const Error error = failure(house, {.url = server.url("/")});
  EXPECT_EQ(error.code(), ErrorCode::kRefused);
  EXPECT_EQ(exit_status(error.code()), 5);
  EXPECT_THAT(error.message(), HasSubstr("--offline"));
  EXPECT_TRUE(server.requests().empty());
}

TEST(Egress, EscalationFollowsThePolicy) {
  LoopbackServer server([](const ServerRequest&) { return ServerAnswer{}; });
  const Request request{.reason = Reason::kEscalate, .method = "POST", .url = server.url("/v1"), .body = "content"};
  House denying;
  EXPECT_EQ(failure(denying, request).code(), ErrorCode::kRefused);
  House nobody_to_ask({.escalate = EscalatePolicy::kAsk});
  EXPECT_EQ(failure(nobody_to_ask, request).code(), ErrorCode::kRefused);
  uint64_t asked_bytes = 0;
  bool answer = false;
  House asking({.escalate = EscalatePolicy::kAsk, .ask = [&](const std::string& host, uint64_t n_bytes) {
                  EXPECT_EQ(host, "127.0.0.1");
                  asked_bytes = n_bytes;
                  return answer;
                }});
  EXPECT_EQ(failure(asking, request).code(), ErrorCode::kRefused);
  EXPECT_EQ(asked_bytes, 7U);
  EXPECT_TRUE(server.requests().empty());
  answer = true;
  EXPECT_EQ(asking.door.send(request).status, 200);
  House allowing({.escalate = EscalatePolicy::kAllow});
  EXPECT_EQ(allowing.door.send(request).status, 200);
  EXPECT_EQ(server.requests().back().body, "content");
  const ledger::Record row = allowing.rows().back();
  EXPECT_EQ(row.reason, Reason::kEscalate);
  EXPECT_EQ(row.content, system::Sha256::of("content"));
  EXPECT_GT(row.bytes_out, 7U);
  House offline({.offline = true, .escalate = EscalatePolicy::kAllow});
  EXPECT_EQ(failure(offline, request).code(), ErrorCode::kRefused);
}

TEST(Egress, RedirectsAreFollowedWithoutTheSecret) {
  LoopbackServer other([](const ServerRequest&) { return ServerAnswer{.body = "from there"}; });
  LoopbackServer server([&](const ServerRequest& request) {
    if (request.target == "/a") return ServerAnswer{.status = 302, .headers = {{"Location", "/b"}}, .body = "moved"};
    return ServerAnswer{.status = 307, .headers = {{"Location", other.url("/c")}}};
  });
  House house;
  std::string got;
  const Response response = house.door.send(
      {.url = server.url("/a"), .authorization = "Bearer secret", .sink = [&](std::span<const std::byte> bytes) {
         got.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
       }});
  EXPECT_EQ(got, "from there");
  EXPECT_EQ(response.url, other.url("/c"));
  EXPECT_TRUE(server.requests()[1].headers.contains("authorization"));
  EXPECT_FALSE(other.requests()[0].headers.contains("authorization"));
  EXPECT_EQ(house.rows().size(), 6U);
}

TEST(Egress, RedirectsHaveLimits) {
  LoopbackServer server([](const ServerRequest& request) {
    ServerAnswer answer{.status = 302};
    if (request.target == "/round") answer.headers = {{"Location", "/round"}};
    if (request.target == "/plain") answer.headers = {{"Location", "http://registry.example/"}};
    if (request.target == "/file") answer.headers = {{"Location", "file:///etc/passwd"}};
    return answer;
  });
  House house;
  EXPECT_THAT(failure(house, {.url = server.url("/round")}).message(), HasSubstr("redirects"));
  EXPECT_EQ(server.requests().size(), 6U);
  EXPECT_EQ(failure(house, {.url = server.url("/plain")}).code(), ErrorCode::kRefused);
  EXPECT_EQ(failure(house, {.url = server.url("/file")}).code(), ErrorCode::kNetwork);
  EXPECT_EQ(failure(house, {.url = server.url("/nowhere")}).code(), ErrorCode::kNetwork);
  EXPECT_EQ(failure(house, {.url = "http://registry.example/"}).code(), ErrorCode::kRefused);
}

TEST(Egress, ResumesFromAByte) {
  const std::string body = "0123456789";
  LoopbackServer server([&](const ServerRequest& request) {
    ServerAnswer answer{.body = body, .honour_range = request.target == "/range"};
    if (request.target == "/lie") {
      answer.status = 206;
      answer.headers = {{"Content-Range", "bytes 1-9/10"}};
    }
    return answer;
  });
  House house;
  const Response rest = house.door.send({.url = server.url("/range"), .first_byte = 4});
  EXPECT_EQ(rest.body, "456789");
  EXPECT_EQ(rest.first_byte, 4U);
  const Response all = house.door.send({.url = server.url("/ignore"), .first_byte = 4});
  EXPECT_EQ(all.body, body);
  EXPECT_EQ(all.first_byte, 0U);
  EXPECT_EQ(failure(house, {.url = server.url("/lie"), .first_byte = 4}).code(), ErrorCode::kNetwork);
}

TEST(Egress, BrokenTransfersAreFailures) {
  LoopbackServer server([](const ServerRequest& request) {
    ServerAnswer answer{.body = std::string(10'000, 'x'), .n_sent = 100};
    answer.stall = request.target == "/stall" || request.target == "/silent";
    if (request.target == "/long") answer.n_sent = ServerAnswer::kAll;
    if (request.target == "/silent") answer.status = 0;
    return answer;
  });
  House house({.stall_timeout_ms = 200});
  const auto request = [&](const std::string& path) {
    return Request{.url = server.url(path), .max_body_bytes = 9'999, .sink = [](std::span<const std::byte>) {}};
  };
  EXPECT_THAT(failure(house, request("/cut")).message(), HasSubstr("broke after 100 bytes"));
  EXPECT_THAT(house.rows().back().outcome, StartsWith("failed: "));
  EXPECT_THAT(failure(house, request("/stall")).message(), HasSubstr("stopped sending after 100 bytes"));
  EXPECT_THAT(failure(house, request("/long")).message(), HasSubstr("longer than the 9999 bytes"));
  EXPECT_THAT(failure(house, request("/silent")).message(), HasSubstr("gives no answer"));
  EXPECT_EQ(house.rows().size(), 8U);
}

TEST(Egress, HostsThatAreNotThere) {
  uint16_t free_port = 0;
  {
    LoopbackServer gone([](const ServerRequest&) { return ServerAnswer{}; });
    free_port = gone.port();
  }
  House house({.connect_timeout_ms = 3'000});
  const Error refused = failure(house, {.url = str("http://127.0.0.1:", free_port, "/")});
  EXPECT_EQ(refused.code(), ErrorCode::kNetwork);
  EXPECT_THAT(refused.message(), HasSubstr("onnection refused"));
  // RFC 2606: no such name exists.
  const Error unknown = failure(house, {.url = "https://registry.invalid/"});
  EXPECT_EQ(unknown.code(), ErrorCode::kNetwork);
  EXPECT_EQ(house.rows().size(), 4U);
}

TEST(Egress, CanBeStopped) {
  LoopbackServer server(
      [](const ServerRequest&) { return ServerAnswer{.body = std::string(1000, 'x'), .n_sent = 10, .stall = true}; });
  House house;
  const auto start = std::chrono::steady_clock::now();
  const Error error = failure(house, {.url = server.url("/"), .keep_going = [&] { return server.requests().empty(); }});
  EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_EQ(house.rows().back().outcome, "cancelled");
}

TEST(Egress, WhatTheSinkThrowsPasses) {
  LoopbackServer server([](const ServerRequest&) { return ServerAnswer{.body = "body"}; });
  House house;
  const Error error = failure(
      house, {.url = server.url("/"), .sink = [](std::span<const std::byte>) { fail(ErrorCode::kNoSpace, "full"); }});
  EXPECT_EQ(error.code(), ErrorCode::kNoSpace);
  EXPECT_EQ(house.rows().size(), 2U);
}

TEST(Egress, GoesThroughAProxyButNotToLoopback) {
  LoopbackServer proxy([](const ServerRequest&) { return ServerAnswer{.body = "by proxy"}; });
  LoopbackServer server([](const ServerRequest&) { return ServerAnswer{.body = "direct"}; });
  House house({.proxy = proxy.url(""), .no_proxy = "direct.invalid"});
  EXPECT_EQ(house.door.send({.url = "http://registry.invalid/path", .plain_http = true}).body, "by proxy");
  EXPECT_EQ(proxy.requests()[0].target, "http://registry.invalid/path");
  EXPECT_EQ(house.rows().back().host, "registry.invalid");
  EXPECT_EQ(house.door.send({.url = server.url("/")}).body, "direct");
  EXPECT_EQ(failure(house, {.url = "http://direct.invalid/", .plain_http = true}).code(), ErrorCode::kNetwork);
  EXPECT_EQ(proxy.requests().size(), 1U);
}

TEST(Egress, HeadersAreBounded) {
  LoopbackServer server([](const ServerRequest&) {
    ServerAnswer answer;
    for (int i = 0; i < 10'000; ++i) answer.headers.emplace_back("X-Filler", std::string(100, 'x'));
    return answer;
  });
  House house;
  EXPECT_EQ(failure(house, {.url = server.url("/")}).code(), ErrorCode::kNetwork);
}

TEST(Egress, NothingIsSentThatCannotBeWrittenDown) {
  LoopbackServer server([](const ServerRequest&) { return ServerAnswer{}; });
  const system::ScratchFolder folder("egress_no_ledger");
  db::Database database(folder.put("k.db", std::string(5000, 'x')));
  ledger::Ledger ledger(database);
  Door door({}, ledger);
  EXPECT_THROW(door.send({.url = server.url("/")}), Error);
  EXPECT_TRUE(server.requests().empty());
}

}  // namespace
}  // namespace kinglet::egress
