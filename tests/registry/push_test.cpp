// Pushing to a real registry: Debian's docker-registry on loopback, with a line between that breaks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <atomic>

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>

#include "docker_registry.h"
#include "home/store/store.h"
#include "home/system/test_failure.h"
#include "tcp_proxy.h"

namespace kinglet::tests {
namespace {

namespace fs = std::filesystem;
using egress::LoopbackServer;
using egress::ServerAnswer;
using egress::ServerRequest;
using store::ModelName;
using store::noise;
using store::TestHome;
using system::failure;
using system::ScratchFolder;
using ::testing::HasSubstr;

const std::string& weights() {
  static const std::string bytes = noise(2'000'000);
  return bytes;
}

// Name and content of all blobs of a home.
std::map<std::string, std::string> blobs_of(const TestHome& home) {
  std::map<std::string, std::string> blobs;
  for (const auto& entry : fs::directory_iterator(home.home + "/models/blobs")) {
    blobs[entry.path().filename().string()] = system::read_file(entry.path().string(), 1 << 30);
  }
  return blobs;
}

// A home that has one model, under a name that the test gives it.
struct Owner {
  Owner(const std::string& path, const ModelName& name) : home(path) {
    store::FakeRegistry source;
    source.add("library/m:1", {{store::kModelLayer, weights()},
                               {store::kTemplateLayer, "{{ .Prompt }}"},
                               {store::kSystemLayer, ""},
                               {store::kParametersLayer, "{\"temperature\":0}"}});
    home.store.pull(source.name("library/m:1"));
    home.store.copy(source.name("library/m:1"), name);
    home.store.remove(source.name("library/m:1"));
  }
  TestHome home;
};

class Push : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_installed("docker-registry")) GTEST_SKIP() << "docker-registry is not installed";
    registry_ = std::make_unique<DockerRegistry>(folder_.path());
    proxy_ = std::make_unique<TcpProxy>(registry_->port());
  }
  // What an empty home gets from the registry is what the owner has.
  void expect_arrived(const Owner& owner, const std::string& rest) {
    TestHome other(folder_.path() + "/other");
    other.store.pull(registry_->name(rest));
    EXPECT_EQ(blobs_of(other), blobs_of(owner.home));
    EXPECT_EQ(blobs_of(other).size(), 5U);
    EXPECT_FALSE(owner.home.ledger.verify());
  }

  ScratchFolder folder_{"registry_push_test"};
  std::unique_ptr<DockerRegistry> registry_;
  std::unique_ptr<TcpProxy> proxy_;
};

TEST_F(Push, WhatIsPushedCanBePulled) {
  const ModelName name = registry_->name("me/mine:1");
  Owner owner(folder_.path() + "/home", name);
  uint64_t n_uploaded = 0;
  owner.home.store.push(name, [&](const store::Progress& progress) {
    if (progress.step == store::Step::kUpload) n_uploaded = std::max(n_uploaded, progress.done_bytes);
    return true;
  });
  EXPECT_EQ(n_uploaded, weights().size());
  expect_arrived(owner, "me/mine:1");
  // All of it is a fetch in the ledger, and what left is named by its digest.
  bool has_weights = false;
  uint64_t bytes_out = 0;
  owner.home.ledger.read(0, [&](const ledger::Entry& entry) {
    EXPECT_EQ(entry.record.reason, ledger::Reason::kFetch);
    has_weights |= entry.record.content == system::Sha256::of(weights());
    bytes_out += entry.record.bytes_out;
    return true;
  });
  EXPECT_TRUE(has_weights);
  EXPECT_GT(bytes_out, weights().size());
  // Nothing is sent a second time, and another repository's blobs are mounted.
  const auto n_sent = [&](const ModelName& to) {
    const uint64_t before = bytes_out;
    owner.home.store.push(to);
    bytes_out = 0;
    owner.home.ledger.read(0, [&](const ledger::Entry& entry) {
      bytes_out += entry.record.bytes_out;
      return true;
    });
    return bytes_out - before;
  };
  EXPECT_LT(n_sent(name), 10'000U);
  owner.home.store.copy(name, registry_->name("me/second:1"));
  EXPECT_LT(n_sent(registry_->name("me/second:1")), 20'000U);
}

// This registry forgets an upload of which a part broke off: then the blob is sent from its start.
TEST_F(Push, BreaksOffTwice) {
  const ModelName name = ModelName::parse(str(proxy_->host(), "/me/mine:1"));
  Owner owner(folder_.path() + "/home", name);
  std::atomic<int> n_breaks = 0;  // connections have threads each
  proxy_->set({.after_sent = 700'000, .before = [&] {
                 if (++n_breaks == 2) proxy_->set({});
               }});
  owner.home.store.push(name);
  EXPECT_EQ(n_breaks, 2);
  expect_arrived(owner, "me/mine:1");
}

TEST_F(Push, BreaksOffEachTime) {
  const ModelName name = ModelName::parse(str(proxy_->host(), "/me/mine:1"));
  Owner owner(folder_.path() + "/home", name);
  proxy_->set({.after_sent = 700'000});
  EXPECT_EQ(failure([&] { owner.home.store.push(name); }).code(), ErrorCode::kNetwork);
}

TEST_F(Push, IsStoppedAndDoneAgain) {
  const ModelName name = ModelName::parse(str(proxy_->host(), "/me/mine:1"));
  Owner owner(folder_.path() + "/home", name);
  proxy_->set({.after_sent = 700'000, .stall = true});
  const Error error = failure([&] {
    owner.home.store.push(name, [&](const store::Progress& progress) { return progress.done_bytes < 300'000; });
  });
  EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  TestHome other(folder_.path() + "/early");
  EXPECT_EQ(failure([&] { other.store.pull(registry_->name("me/mine:1")); }).code(), ErrorCode::kNotFound);
  proxy_->set({});
  owner.home.store.push(name);
  expect_arrived(owner, "me/mine:1");
}

TEST_F(Push, GivesUpOnOneThatNeverTakesAnything) {
  const ModelName name = ModelName::parse(str(proxy_->host(), "/me/mine:1"));
  Owner owner(folder_.path() + "/home", name);
  proxy_->set({.after_bytes = 0});
  EXPECT_EQ(failure([&] { owner.home.store.push(name); }).code(), ErrorCode::kNetwork);
}

TEST_F(Push, ADamagedBlobIsRefusedByTheRegistry) {
  const ModelName name = registry_->name("me/mine:1");
  Owner owner(folder_.path() + "/home", name);
  std::string damaged = weights();
  damaged[1'000'000] ^= 1;
  system::write_file(owner.home.store.find(name)->weights_path, damaged);
  const Error error = failure([&] { owner.home.store.push(name); });
  EXPECT_EQ(error.code(), ErrorCode::kNetwork);
  EXPECT_THAT(error.message(), HasSubstr("digest"));
}

TEST(PushLogin, IsSaidWhereItIsNeeded) {
  if (!is_installed("docker-registry")) GTEST_SKIP() << "docker-registry is not installed";
  const ScratchFolder folder("push_login");
  const std::string file =
      folder.put("htpasswd", "user:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n");
  const DockerRegistry registry(folder.path(), str("auth:\n  htpasswd: {realm: test, path: ", file, "}\n"));
  Owner owner(folder.path() + "/home", registry.name("me/mine:1"));
  const Error error = failure([&] { owner.home.store.push(registry.name("me/mine:1")); });
  EXPECT_EQ(error.code(), ErrorCode::kNetwork);
  EXPECT_THAT(error.message(), HasSubstr("asks for a login"));
}

// ---- Registries that answer as a test tells them to ----------------------------------------------------------------

TEST(PushAnswers, ATokenIsAskedForWithTheScopeOfAPush) {
  const ScratchFolder folder("push_token");
  std::string host;
  const LoopbackServer server([&](const ServerRequest& request) -> ServerAnswer {
    if (request.target.starts_with("/token")) return {.body = R"({"token":"abc"})"};
    if (!request.headers.contains("authorization")) {
      return {.status = 401,
              .headers = {{"WWW-Authenticate", str("Bearer realm=\"http://", host, "/token\",service=\"s\",",
                                                   "scope=\"repository:me/mine:pull,push\"")}}};
    }
    EXPECT_EQ(request.headers.at("authorization"), "Bearer abc");
    if (request.method == "HEAD") return {.status = 404};
    if (request.method == "POST") return {.status = 202, .headers = {{"Location", "/v2/me/mine/blobs/uploads/1?s=2"}}};
    if (request.method == "PATCH") return {.status = 202, .headers = {{"Location", "/v2/me/mine/blobs/uploads/1?s=3"}}};
    return {.status = 201};
  });
  host = server.host();
  Owner owner(folder.path() + "/home", ModelName::parse(server.host() + "/me/mine:1"));
  owner.home.store.push(ModelName::parse(server.host() + "/me/mine:1"));
  const auto requests = server.requests();
  EXPECT_EQ(requests[1].target, "/token?service=s&scope=repository%3Ame%2Fmine%3Apull%2Cpush");
  const auto part = std::ranges::find(requests, "PATCH", &ServerRequest::method);
  ASSERT_NE(part, requests.end());
  EXPECT_EQ(part->headers.at("content-range"), "0-1999999");
  EXPECT_EQ(part->headers.at("content-length"), "2000000");
  EXPECT_EQ(part->body, weights());
  EXPECT_EQ(requests.back().target, "/v2/me/mine/manifests/1");
  EXPECT_EQ(requests.back().headers.at("content-type"), "application/vnd.docker.distribution.manifest.v2+json");
}

TEST(PushAnswers, AnUploadGoesOnWhereTheRegistryKeptIt) {
  const ScratchFolder folder("push_resumed");
  std::mutex mutex;
  std::string kept;
  int n_parts = 0;
  const LoopbackServer server([&](const ServerRequest& request) -> ServerAnswer {
    const std::lock_guard lock(mutex);
    const std::pair<std::string, std::string> here = {"Location", str("/up?n=", kept.size())};
    if (request.target.starts_with("/up") && request.method != "PUT") {
      if (request.method == "GET") {
        return {.status = 204, .headers = {here, {"Range", str("0-", kept.size() - 1)}}};
      }
      // Of the first two parts some bytes are kept, and there is no answer.
      EXPECT_EQ(request.headers.at("content-range"), str(kept.size(), "-1999999"));
      kept += ++n_parts < 3 ? request.body.substr(0, 600'000) : request.body;
      return {.status = n_parts < 3 ? 0 : 202, .headers = {{"Location", "/up?n=all"}}};
    }
    if (request.method == "HEAD") {
      return {.status = request.target.ends_with(system::Sha256::of(weights()).to_string()) ? 404 : 200};
    }
    return {.status = request.method == "POST" ? 202 : 201, .headers = {here}};
  });
  const ModelName name = ModelName::parse(server.host() + "/me/mine:1");
  Owner owner(folder.path() + "/home", name);
  owner.home.store.push(name);
  EXPECT_EQ(n_parts, 3);
  EXPECT_TRUE(kept == weights());
}

TEST(PushAnswers, OnesThatRefuse) {
  const ScratchFolder folder("push_refused");
  ServerAnswer to_post;
  const LoopbackServer server(
      [&](const ServerRequest& request) { return request.method == "HEAD" ? ServerAnswer{.status = 404} : to_post; });
  const ModelName name = ModelName::parse(server.host() + "/me/mine:1");
  Owner owner(folder.path() + "/home", name);
  const auto message = [&](ServerAnswer answer, ErrorCode code) {
    to_post = std::move(answer);
    const Error error = failure([&] { owner.home.store.push(name); });
    EXPECT_EQ(error.code(), code) << error.message();
    return std::string(error.message());
  };
  EXPECT_THAT(message({.status = 405, .body = R"({"errors":[{"message":"read only"}]})"}, ErrorCode::kNetwork),
              HasSubstr("answers with status 405 (read only)"));
  EXPECT_THAT(message({.status = 403}, ErrorCode::kNetwork), HasSubstr("asks for a login"));
  EXPECT_THAT(message({.status = 202, .headers = {{"Location", "http://127.0.0.2:9/x"}}}, ErrorCode::kRefused),
              HasSubstr("another host"));
  EXPECT_THAT(message({.status = 202}, ErrorCode::kRefused), HasSubstr("another host"));
  EXPECT_THAT(message({.status = 503}, ErrorCode::kNetwork), HasSubstr("again and again"));
}

TEST(PushAnswers, ModelsThatCannotBePushed) {
  const ScratchFolder folder("push_none");
  const ModelName name = ModelName::parse("127.0.0.1:9/me/mine:1");
  Owner owner(folder.path() + "/home", name);
  const Error missing = failure([&] { owner.home.store.push(ModelName::parse("127.0.0.1:9/me/mne:1")); });
  EXPECT_EQ(missing.code(), ErrorCode::kNotFound);
  EXPECT_THAT(missing.message(), HasSubstr("near it are 127.0.0.1:9/me/mine:1"));
  TestHome offline(owner.home.home, {}, {.offline = true});
  EXPECT_EQ(failure([&] { offline.store.push(name); }).code(), ErrorCode::kRefused);
  owner.home.store.copy(name, ModelName::parse("hf.co/me/mine"));
  EXPECT_EQ(failure([&] { owner.home.store.push(ModelName::parse("hf.co/me/mine")); }).code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace kinglet::tests
