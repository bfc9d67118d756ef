// Pulling from a registry that behaves well, badly and not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "core/base/base.h"
#include "home/store/fake_registry.h"
#include "home/store/own_folder.h"
#include "home/store/registry.h"
#include "home/system/system.h"
#include "home/system/test_child.h"
#include "home/system/test_failure.h"

namespace kinglet::store {
namespace {

namespace fs = std::filesystem;
using egress::ServerAnswer;
using egress::ServerRequest;
using system::failure;
using system::ScratchFolder;
using system::TestChild;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Twisted = std::optional<ServerAnswer>;

const std::string& weights() {
  static const std::string bytes = noise(300'000);
  return bytes;
}

FakeRegistry::Words simple_model() { return {{kModelLayer, weights()}}; }

bool asks_for_weights(const ServerRequest& request) {
  return request.target.ends_with(system::Sha256::of(weights()).to_string());
}

std::vector<std::string> blobs_of(const std::string& home) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(home + "/models/blobs", ignored)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

// Every blob of a final name is what the name says, and every manifest has all its blobs.
void expect_consistent(const std::string& home, const Store& store) {
  for (const std::string& blob : blobs_of(home)) {
    const auto digest = system::Digest::parse(blob, '-');
    if (!digest) continue;
    EXPECT_EQ(system::Sha256::of(system::read_file(home + "/models/blobs/" + blob, 1 << 30)), *digest) << blob;
  }
  for (const StoredModel& model : store.list()) EXPECT_EQ(model.damage, "");
}

// Nothing but complete blobs and manifests.
void expect_clean(const std::string& home) {
  for (const auto& entry : fs::recursive_directory_iterator(home + "/models")) {
    const std::string name = entry.path().filename().string();
    EXPECT_FALSE(name.ends_with(".part") || name.ends_with("-partial")) << entry.path();
  }
  EXPECT_TRUE(fs::is_empty(home + "/models/removed"));
}

TEST(Pull, BringsAModelWithItsWords) {
  FakeRegistry registry;
  registry.add("library/m:1b", {{kModelLayer, weights()},
                                {kTemplateLayer, "{{ .Prompt }}"},
                                {kSystemLayer, "Be brief."},
                                {kParametersLayer, R"({"stop":["<end>"],"temperature":0.5})"},
                                {kMessagesLayer, R"([{"role":"user","content":"hi"}])"},
                                {kLicenseLayer, "First."},
                                {kLicenseLayer, "Second."}});
  const ScratchFolder folder("pull_words");
  TestHome home(folder.path());
  const ModelName name = registry.name("library/m:1b");
  EXPECT_FALSE(home.store.find(name));
  std::vector<Step> steps;
  uint64_t n_last = 0;
  const StoredModel model = home.store.pull(name, [&](const Progress& progress) {
    if (steps.empty() || steps.back() != progress.step) steps.push_back(progress.step);
    if (progress.total_bytes == weights().size()) n_last = progress.done_bytes;
    return true;
  });
  EXPECT_THAT(steps, ElementsAre(Step::kManifest, Step::kDownload, Step::kWrite, Step::kDone));
  EXPECT_EQ(n_last, weights().size());
  EXPECT_EQ(system::read_file(model.weights_path, 1 << 30), weights());
  EXPECT_EQ(model.template_text, "{{ .Prompt }}");
  EXPECT_EQ(model.system, "Be brief.");
  EXPECT_EQ(model.parameters.at("temperature").as_number("t"), 0.5);
  EXPECT_EQ(model.messages.as_array("m").size(), 1U);
  EXPECT_EQ(model.license, "First.\n\nSecond.");
  EXPECT_EQ(model.id.size(), 12U);
  EXPECT_GT(model.size_bytes, weights().size());
  EXPECT_EQ(home.store.find(name)->weights_path, model.weights_path);
  EXPECT_EQ(home.store.list().size(), 1U);
  EXPECT_FALSE(home.ledger.verify());
  expect_clean(folder.path());
  // The manifest is kept as the registry has it, so that its digest is the same.
  const std::string stored = OwnFolder(folder.path()).find(name)->text;
  EXPECT_EQ(model.id, system::Sha256::of(stored).short_hex());
}

TEST(Pull, SecondTimeOnlyVerifies) {
  FakeRegistry registry;
  registry.add("library/m:latest", simple_model());
  const ScratchFolder folder("pull_twice");
  TestHome home(folder.path());
  home.store.pull(registry.name());
  const size_t n_before = registry.blob_starts().size();
  std::vector<Step> steps;
  home.store.pull(registry.name(), [&](const Progress& progress) {
    if (steps.empty() || steps.back() != progress.step) steps.push_back(progress.step);
    return true;
  });
  EXPECT_THAT(steps, Contains(Step::kVerify));
  EXPECT_EQ(registry.blob_starts().size(), n_before);
}

TEST(Pull, RepairsDamagedAndMissingBlobs) {
  FakeRegistry registry;
  registry.add("library/m:latest", simple_model());
  const ScratchFolder folder("pull_repair");
  TestHome home(folder.path());
  const std::string path = home.store.pull(registry.name()).weights_path;
  {
    const system::FileDescriptor file = system::open_or_make(path);
    system::write_all(file, std::as_bytes(std::span("damage", 6)), path);
  }
  home.store.pull(registry.name());
  EXPECT_EQ(system::read_file(path, 1 << 30), weights());
  fs::remove(path);
  const Error error = failure([&] { static_cast<void>(home.store.find(registry.name())); });
  EXPECT_EQ(error.code(), ErrorCode::kInvalidFile);
  EXPECT_THAT(error.message(), HasSubstr("kinglet pull"));
  EXPECT_NE(home.store.list().front().damage, "");
  home.store.pull(registry.name());
  EXPECT_EQ(system::read_file(path, 1 << 30), weights());
}

TEST(Pull, GoesOnByItselfWhereAConnectionBreaks) {
  FakeRegistry registry;
  registry.add("library/m:latest", simple_model());
  registry.twist([](const ServerRequest& request, const ServerAnswer& right) -> Twisted {
    if (!asks_for_weights(request)) return {};
    ServerAnswer answer = right;
    answer.n_sent = 70'000;
    return answer;
  });
  const ScratchFolder folder("pull_breaks");
  TestHome home(folder.path());
  EXPECT_EQ(system::read_file(home.store.pull(registry.name()).weights_path, 1 << 30), weights());
  EXPECT_THAT(registry.blob_starts(), ElementsAre(0U, 70'000U, 140'000U, 210'000U, 280'000U, 0U));
  expect_clean(folder.path());
}

TEST(Pull, KeepsWhatHasArrivedAndGoesOnNextTime) {
  FakeRegistry registry;
  registry.add("library/m:latest", simple_model());
  std::atomic<bool> broken{true};
  registry.twist([&](const ServerRequest& request, const ServerAnswer& right) -> Twisted {
    if (!broken || !asks_for_weights(request)) return {};
    ServerAnswer answer = right;
    answer.n_sent = request.first_byte == 0 ? 100'000 : 0;
    return answer;
  });
  const ScratchFolder folder("pull_resume");
  TestHome home(folder.path());
  const Error error = failure([&] { home.store.pull(registry.name()); });
  EXPECT_EQ(error.code(), ErrorCode::kNetwork);
  EXPECT_THAT(error.message(), HasSubstr("100000 of 300000 bytes"));
  EXPECT_FALSE(home.store.find(registry.name()));
  EXPECT_THAT(blobs_of(folder.path()), ElementsAre(HasSubstr("-partial")));
  broken = false;
  const size_t n_before = registry.blob_starts().size();
  TestHome later(folder.path());
  EXPECT_EQ(system::read_file(later.store.pull(registry.name()).weights_path, 1 << 30), weights());
  EXPECT_EQ(registry.blob_starts()[n_before], 100'000U);
  expect_clean(folder.path());
}

TEST(Pull, ServersThatIgnoreRangesBeginAnew) {
  FakeRegistry registry;
  registry.add("library/m:latest", simple_model());
  std::atomic<int> n_asked{0};
  registry.twist([&](const ServerRequest& request, const ServerAnswer& right) -> Twisted {
    if (!asks_for_weights(request)) return {};
    ServerAnswer answer = right;
    answer.honour_range = false;
    if (n_asked++ == 0) answer.n_sent = 123'456;
    return answer;
  });
  const ScratchFolder folder("pull_ranges");
  TestHome home(folder.path());
  EXPECT_EQ(system::read_file(home.store.pull(registry.name()).weights_path, 1 << 30), weights());
}

TEST(Pull, StalledServersAreAskedAgain) {
  FakeRegistry registry;
  registry.add("library/m:latest", simple_model());
  std::atomic<int> n_asked{0};
  registry.twist([&](const ServerRequest& request, const ServerAnswer& right) -> Twisted {
    if (!asks_for_weights(request) || n_asked++ > 0) return {};
    ServerAnswer answer = right;
    answer.n_sent = 50'000;
    answer.stall = true;
    return answer;
  });
  const ScratchFolder folder("pull_stall");
  TestHome home(folder.path(), {}, {.stall_timeout_ms = 200});
  EXPECT_EQ(system::read_file(home.store.pull(registry.name()).weights_path, 1 << 30), weights());
  EXPECT_THAT(registry.blob_starts(), ElementsAre(0U, 50'000U, 0U));
}

TEST(Pull, WrongBytesAreRemovedAndReported) {
  FakeRegistry registry;
  registry.add("library/m:latest", simple_model());
  registry.twist([](const ServerRequest& request, const ServerAnswer& right) -> Twisted {
    if (!asks_for_weights(request)) return {};
    ServerAnswer answer = right;
    answer.body[299'999] ^= 1;
    return answer;
  });
  const ScratchFolder folder("pull_wrong");
  TestHome home(folder.path());
  const Error error = failure([&] { home.store.pull(registry.name()); });
  EXPECT_EQ(error.code(), ErrorCode::kNetwork);
  EXPECT_THAT(error.message(), HasSubstr("other bytes"));
  EXPECT_THAT(blobs_of(folder.path()), IsEmpty());
  EXPECT_FALSE(home.store.find(registry.name()));
}

TEST(Pull, WrongBytesOfAnEarlierTimeAreBroughtAnew) {
  FakeRegistry registry;
  registry.add("library/m:latest", simple_model());
  const ScratchFolder folder("pull_wrong_partial");
  folder.put("models/blobs/" + system::Sha256::of(weights()).to_string('-') + "-partial", noise(1000, 7));
  TestHome home(folder.path());
  EXPECT_EQ(system::read_file(home.store.pull(registry.name()).weights_path, 1 << 30), weights());
  EXPECT_THAT(registry.blob_starts(), ElementsAre(1000U, 0U, 0U));
  folder.put("models/blobs/" + system::Sha256::of("{}").to_string('-') + "-partial", noise(1000, 7));
  fs::remove(folder.path() + "/models/blobs/" + system::Sha256::of("{}").to_string('-'));
  home.store.pull(registry.name());  // longer than the blob
  expect_clean(folder.path());
}

TEST(Pull, WhatAnOllamaStoreHasIsNotDownloadedUnlessItIsDamaged) {
  FakeRegistry registry;
  registry.add("library/m:latest", simple_model());
  for (const bool is_damaged : {false, true}) {
    const ScratchFolder folder("pull_ollama");
    std::string bytes = weights();
    if (is_damaged) bytes[1000] ^= 1;
    folder.put("ollama/blobs/" + system::Sha256::of(weights()).to_string('-'), bytes);
    TestHome home(folder.path() + "/home", {.ollama_models = folder.path() + "/ollama"});
    const size_t n_before = registry.blob_starts().size();
    EXPECT_EQ(system::read_file(home.store.pull(registry.name()).weights_path, 1 << 30), weights());
    EXPECT_EQ(registry.blob_starts().size() - n_before, is_damaged ? 2U : 1U);
    EXPECT_EQ(blobs_of(home.home).size(), 2U);  // the damaged one is not kept
  }
}

TEST(Pull, BlobsLongerThanTheManifestSaysAreCutOff) {
  FakeRegistry registry;
  registry.add("library/m:latest", simple_model());
  registry.twist([](const ServerRequest& request, const ServerAnswer& right) -> Twisted {
    if (!asks_for_weights(request)) return {};
    ServerAnswer answer = right;
    answer.body += noise(5'000'000);
    answer.say_length = false;
    return answer;
  });
  const ScratchFolder folder("pull_long");
  TestHome home(folder.path());
  EXPECT_EQ(failure([&] { home.store.pull(registry.name()); }).code(), ErrorCode::kNetwork);
  for (const auto& entry : fs::directory_iterator(folder.path() + "/models/blobs")) {
    EXPECT_LE(entry.file_size(), weights().size());
  }
}

TEST(Pull, VanishedBlobsAreSaid) {
  FakeRegistry registry;
  registry.add("library/m:latest", simple_model());
  registry.remove_blob(weights());
  const ScratchFolder folder("pull_vanished");
  TestHome home(folder.path());
  const Error error = failure([&] { home.store.pull(registry.name()); });
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_THAT(error.message(), HasSubstr("has no blob"));
}

TEST(Pull, ModelsThatAreNotThere) {
  FakeRegistry registry;
  registry.add("library/m:135m", simple_model());
  registry.twist([](const ServerRequest& request, const ServerAnswer&) -> Twisted {
    if (request.target != "/v2/library/m/tags/list") return {};
    return ServerAnswer{.body = R"({"name":"library/m","tags":["135m","360m"]})"};
  });
  const ScratchFolder folder("pull_missing");
  TestHome home(folder.path());
  home.store.pull(registry.name("library/m:135m"));
  const Error error = failure([&] { home.store.pull(registry.name("library/m:136m")); });
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_THAT(error.message(), HasSubstr("the tags 135m, 360m"));
  EXPECT_THAT(error.message(), HasSubstr("here are " + registry.name("library/m:135m").to_string()));
}

TEST(Pull, RegistriesThatFail) {
  FakeRegistry registry;
  registry.add("library/m:latest", simple_model());
  const ScratchFolder folder("pull_fails");
  TestHome home(folder.path());
  std::atomic<int> n_failures{2};
  registry.twist([&](const ServerRequest&, const ServerAnswer&) -> Twisted {
    if (n_failures-- > 0) return ServerAnswer{.status = 503};
    return {};
  });
  EXPECT_NO_THROW(home.store.pull(registry.name()));
  n_failures = 1000;
  const Error error = failure([&] { home.store.pull(registry.name()); });
  EXPECT_EQ(error.code(), ErrorCode::kNetwork);
  EXPECT_THAT(error.message(), HasSubstr("status 503"));
  registry.twist([](const ServerRequest&, const ServerAnswer&) -> Twisted { return ServerAnswer{.body = "<html>"}; });
  EXPECT_EQ(failure([&] { home.store.pull(registry.name()); }).code(), ErrorCode::kInvalidFile);
  registry.twist([](const ServerRequest&, const ServerAnswer&) -> Twisted {
    return ServerAnswer{.body = std::string(kMaxManifestBytes + 1, ' ')};
  });
  EXPECT_EQ(failure([&] { home.store.pull(registry.name()); }).code(), ErrorCode::kNetwork);
  registry.twist([](const ServerRequest&, const ServerAnswer&) -> Twisted {
    return ServerAnswer{.status = 401, .headers = {{"WWW-Authenticate", "Basic realm=\"x\""}}};
  });
  EXPECT_THAT(failure([&] { home.store.pull(registry.name()); }).message(), HasSubstr("asks for a login"));
}

TEST(Pull, OfflineAsksNobody) {
  FakeRegistry registry;
  registry.add("library/m:latest", simple_model());
  const ScratchFolder folder("pull_offline");
  TestHome home(folder.path(), {}, {.offline = true});
  const Error error = failure([&] { home.store.pull(registry.name()); });
  EXPECT_EQ(error.code(), ErrorCode::kRefused);
  EXPECT_TRUE(registry.server().requests().empty());
  EXPECT_FALSE(fs::exists(folder.path() + "/models"));
}

TEST(Pull, CanBeStopped) {
  FakeRegistry registry;
  registry.add("library/m:latest", simple_model());
  registry.twist([](const ServerRequest& request, const ServerAnswer& right) -> Twisted {
    if (!asks_for_weights(request)) return {};
    ServerAnswer answer = right;
    answer.n_sent = 200'000;
    answer.stall = true;
    return answer;
  });
  const ScratchFolder folder("pull_stop");
  TestHome home(folder.path());
  const Error error = failure([&] {
    home.store.pull(registry.name(), [](const Progress& progress) { return progress.done_bytes < 200'000; });
  });
  EXPECT_EQ(error.code(), ErrorCode::kCancelled);
  const std::string partial =
      folder.path() + "/models/blobs/" + system::Sha256::of(weights()).to_string('-') + "-partial";
  EXPECT_EQ(fs::file_size(partial), 200'000U);
}

TEST(Pull, TokensAreAskedForAndGoToTheRegistryAlone) {
  FakeRegistry registry;
  registry.add("library/m:latest", simple_model());
  egress::LoopbackServer elsewhere([](const ServerRequest&) { return ServerAnswer{.body = weights()}; });
  registry.twist([&](const ServerRequest& request, const ServerAnswer&) -> Twisted {
    if (request.target.starts_with("/token")) return ServerAnswer{.body = R"({"token":"abc.def"})"};
    if (!request.headers.contains("authorization")) {
      return ServerAnswer{
          .status = 401,
          .headers = {{"WWW-Authenticate", str("Bearer realm=\"", registry.server().url("/token"),
                                               "\",service=\"a b\",scope=\"repository:library/m:pull\"")}}};
    }
    if (request.headers.at("authorization") != "Bearer abc.def") return ServerAnswer{.status = 403};
    if (!asks_for_weights(request)) return {};
    return ServerAnswer{.status = 307, .headers = {{"Location", elsewhere.url("/file?signed=1")}}};
  });
  const ScratchFolder folder("pull_token");
  TestHome home(folder.path());
  EXPECT_EQ(system::read_file(home.store.pull(registry.name()).weights_path, 1 << 30), weights());
  const auto requests = registry.server().requests();
  EXPECT_EQ(requests[1].target, "/token?service=a%20b&scope=repository%3Alibrary%2Fm%3Apull");
  EXPECT_FALSE(elsewhere.requests()[0].headers.contains("authorization"));
}

TEST(Pull, TokensOfTheUserGoToHuggingFaceAlone) {
  FakeRegistry hub;
  hub.add("user/repo:Q4_0", simple_model());
  hub.twist([](const ServerRequest& request, const ServerAnswer&) -> Twisted {
    if (request.headers.contains("authorization") && request.headers.at("authorization") == "Bearer hf_secret")
      return {};
    return ServerAnswer{.status = 401, .body = R"({"error":"Invalid username or password."})"};
  });
  const ScratchFolder folder("pull_hf");
  const ModelName name = ModelName::parse("hf.co/user/repo:Q4_0");
  const std::string endpoint = "http://" + hub.server().host();
  {
    TestHome home(folder.path(), {.hugging_face_endpoint = endpoint});
    const Error error = failure([&] { home.store.pull(name); });
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.message(), HasSubstr("HF_TOKEN"));
  }
  TestHome home(folder.path(), {.hugging_face_token = "hf_secret", .hugging_face_endpoint = endpoint});
  EXPECT_EQ(home.store.pull(name).name.to_string(), "hf.co/user/repo:Q4_0");
  EXPECT_EQ(hub.server().requests().back().target.substr(0, 14), "/v2/user/repo/");
  FakeRegistry other;
  other.add("library/m:latest", simple_model());
  home.store.pull(other.name());
  for (const ServerRequest& request : other.server().requests())
    EXPECT_FALSE(request.headers.contains("authorization"));
  TestHome bad(folder.path(), {.hugging_face_token = "a\r\nX: y", .hugging_face_endpoint = endpoint});
  EXPECT_EQ(failure([&] { bad.store.pull(name); }).code(), ErrorCode::kInvalidArgument);
}

TEST(Registry, ChallengesAreRead) {
  const Challenge challenge =
      parse_challenge(R"(Bearer realm="https://auth.example/token?x=1",service="r\"q",scope="a:b:pull,push", x=y)");
  EXPECT_EQ(challenge.scheme, "bearer");
  EXPECT_EQ(challenge.realm, "https://auth.example/token?x=1");
  EXPECT_EQ(challenge.service, "r\"q");
  EXPECT_EQ(challenge.scope, "a:b:pull,push");
  for (const std::string_view text : {"", "Bearer", "Bearer realm", "Bearer realm=", "Bearer realm=\"", "Bearer =,=,\"",
                                      "Bearer realm=\"x\\", ",,,,", "   "}) {
    static_cast<void>(parse_challenge(text));
  }
}

TEST(Registry, TokensComeFromTheSameDomain) {
  EXPECT_TRUE(may_give_tokens("registry.ollama.ai", "registry.ollama.ai"));
  EXPECT_TRUE(may_give_tokens("registry-1.docker.io", "auth.docker.io"));
  EXPECT_TRUE(may_give_tokens("127.0.0.1:5000", "127.0.0.1:5001"));
  EXPECT_FALSE(may_give_tokens("registry.ollama.ai", "evil.example"));
  EXPECT_FALSE(may_give_tokens("registry.ollama.ai", "127.0.0.1"));
  EXPECT_FALSE(may_give_tokens("registry.ollama.ai", "localhost:1"));
  EXPECT_FALSE(may_give_tokens("10.0.0.1", "11.0.0.1"));
  EXPECT_FALSE(may_give_tokens("a", "b"));
  EXPECT_FALSE(may_give_tokens("x.example", ""));
}

// ---- Several processes
// -----------------------------------------------------------------------------------------------

TEST(PullChild, DISABLED_Pulls) {
  TestHome home(TestChild::argument("HOME"));
  home.store.pull(ModelName::parse(TestChild::argument("NAME")));
}

TEST(PullChild, DISABLED_PullsAndRemoves) {
  TestHome home(TestChild::argument("HOME"));
  const ModelName name = ModelName::parse(TestChild::argument("NAME"));
  for (int i = 0; i < std::stoi(TestChild::argument("N")); ++i) {
    home.store.pull(name);
    try {
      home.store.remove(name);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound) throw;  // the other process was quicker
    }
  }
}

TEST(Pull, AKillAtAnyByteIsResumed) {
  FakeRegistry registry;
  registry.add("library/m:latest", {{kModelLayer, weights()}, {kSystemLayer, "words"}});
  constexpr size_t kManifest = SIZE_MAX;  // the kill comes while the manifest is under way
  for (const size_t n_sent : {kManifest, size_t{0}, size_t{1}, size_t{4095}, size_t{16'384}, size_t{16'385},
                              size_t{100'000}, size_t{262'144}, size_t{299'999}, size_t{300'000}}) {
    const ScratchFolder folder("pull_kill");
    std::mutex mutex;
    std::condition_variable reached;
    bool is_reached = false;
    registry.twist([&](const ServerRequest& request, const ServerAnswer& right) -> Twisted {
      const bool is_point = n_sent == kManifest ? request.target.ends_with("/latest") : asks_for_weights(request);
      if (!is_point) return {};
      ServerAnswer answer = right;
      answer.n_sent = n_sent == kManifest ? 10 : n_sent;
      answer.stall = n_sent != weights().size();
      answer.before_end = [&] {
        const std::lock_guard lock(mutex);
        is_reached = true;
        reached.notify_all();
      };
      return answer;
    });
    {
      TestChild child("PullChild.DISABLED_Pulls", {{"HOME", folder.path()}, {"NAME", registry.name().to_string()}});
      std::unique_lock lock(mutex);
      ASSERT_TRUE(reached.wait_for(lock, std::chrono::seconds(60), [&] { return is_reached; }));
      lock.unlock();
      child.kill();
    }
    registry.twist({});
    TestHome home(folder.path());
    expect_consistent(folder.path(), home.store);
    const StoredModel model = home.store.pull(registry.name());
    EXPECT_EQ(system::read_file(model.weights_path, 1 << 30), weights()) << n_sent;
    expect_clean(folder.path());
    EXPECT_FALSE(home.ledger.verify());
    home.store.remove(registry.name());
    EXPECT_THAT(blobs_of(folder.path()), IsEmpty());
  }
}

TEST(Pull, AKillAtAnyTimeLeavesAWholeStore) {
  FakeRegistry registry;
  registry.add("library/m:latest", {{kModelLayer, noise(20'000)}, {kSystemLayer, "words"}});
  const ScratchFolder folder("pull_kill_time");
  const std::string name = registry.name().to_string();
  for (int round = 0; round < 10; ++round) {
    {
      // The child pulls and removes all the time; where it is killed is up to the scheduler.
      TestChild child("PullChild.DISABLED_PullsAndRemoves", {{"HOME", folder.path()}, {"NAME", name}, {"N", "100000"}});
      const size_t enough = registry.server().requests().size() + 3 + static_cast<size_t>(round % 7);
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
      while (registry.server().requests().size() < enough && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(round % 5));
      child.kill();
    }
    TestHome home(folder.path());
    expect_consistent(folder.path(), home.store);
    home.store.pull(registry.name());
    expect_clean(folder.path());
    EXPECT_EQ(blobs_of(folder.path()).size(), 3U);
    home.store.remove(registry.name());
    EXPECT_THAT(blobs_of(folder.path()), IsEmpty());
    EXPECT_TRUE(fs::is_empty(folder.path() + "/models/manifests"));
  }
}

TEST(Pull, TwoProcessesDownloadOnce) {
  FakeRegistry registry;
  registry.add("library/m:latest", simple_model());
  const ScratchFolder folder("pull_two");
  {
    TestChild a("PullChild.DISABLED_Pulls", {{"HOME", folder.path()}, {"NAME", registry.name().to_string()}});
    TestChild b("PullChild.DISABLED_Pulls", {{"HOME", folder.path()}, {"NAME", registry.name().to_string()}});
    EXPECT_EQ(a.wait(), 0);
    EXPECT_EQ(b.wait(), 0);
  }
  EXPECT_EQ(registry.blob_starts().size(), 2U);  // the weights and the config, once each
  TestHome home(folder.path());
  expect_consistent(folder.path(), home.store);
  EXPECT_TRUE(home.store.find(registry.name()));
  expect_clean(folder.path());
}

TEST(Pull, PullersAndRemoversLeaveAWholeStore) {
  FakeRegistry registry;
  registry.add("library/a:latest", {{kModelLayer, noise(50'000)}, {kSystemLayer, "of a"}});
  registry.add("library/b:latest", {{kModelLayer, noise(50'000)}, {kSystemLayer, "of b"}});  // the same weights
  const ScratchFolder folder("pull_remove");
  const auto child = [&](const std::string& rest) {
    return std::make_unique<TestChild>(
        "PullChild.DISABLED_PullsAndRemoves",
        std::vector<std::pair<std::string, std::string>>{
            {"HOME", folder.path()}, {"NAME", registry.name(rest).to_string()}, {"N", "8"}});
  };
  {
    const auto a = child("library/a:latest");
    const auto b = child("library/b:latest");
    const auto c = child("library/a:latest");
    EXPECT_EQ(a->wait(), 0);
    EXPECT_EQ(b->wait(), 0);
    EXPECT_EQ(c->wait(), 0);
  }
  TestHome home(folder.path());
  expect_consistent(folder.path(), home.store);
  EXPECT_THAT(home.store.list(), IsEmpty());
  home.store.pull(registry.name("library/a:latest"));
  home.store.pull(registry.name("library/b:latest"));
  home.store.remove(registry.name("library/a:latest"));
  expect_consistent(folder.path(), home.store);
  EXPECT_TRUE(home.store.find(registry.name("library/b:latest")));
  EXPECT_FALSE(home.ledger.verify());
}

}  // namespace
}  // namespace kinglet::store
