// Pulling from a real registry: Debian's docker-registry on loopback, with a line between that slows and breaks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "docker_registry.h"
#include "home/store/store.h"
#include "home/system/test_child.h"
#include "home/system/test_failure.h"
#include "tcp_proxy.h"

namespace kinglet::tests {
namespace {

namespace fs = std::filesystem;
using store::ModelName;
using store::noise;
using store::StoredModel;
using store::TestHome;
using system::failure;
using system::ScratchFolder;
using system::TestChild;
using ::testing::HasSubstr;

constexpr size_t kWeightBytes = 2'000'000;
const std::string& weights() {
  static const std::string bytes = noise(kWeightBytes);
  return bytes;
}

// One registry for all tests that do not change its settings.
class Registry : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!is_installed("docker-registry")) return;
    folder_ = std::make_unique<ScratchFolder>("registry");
    registry_ = std::make_unique<DockerRegistry>(folder_->path());
    registry_->push("library/m:135m", {{store::kModelLayer, weights()}, {store::kSystemLayer, "words"}});
  }
  static void TearDownTestSuite() {
    registry_.reset();
    folder_.reset();
  }
  void SetUp() override {
    if (!registry_) GTEST_SKIP() << "docker-registry is not installed";
    proxy_ = std::make_unique<TcpProxy>(registry_->port());
    home_ = std::make_unique<TestHome>(scratch_.path() + "/home");
  }

  [[nodiscard]] ModelName name_by_proxy(const std::string& rest = "library/m:135m") const {
    return ModelName::parse(str(proxy_->host(), '/', rest));
  }
  void expect_whole(const StoredModel& model) const {
    EXPECT_EQ(system::read_file(model.weights_path, 1 << 30), weights());
    for (const auto& entry : fs::directory_iterator(home_->home + "/models/blobs")) {
      EXPECT_TRUE(system::Digest::parse(entry.path().filename().string(), '-')) << entry.path();
    }
    EXPECT_FALSE(home_->ledger.verify());
  }

  static std::unique_ptr<ScratchFolder> folder_;
  static std::unique_ptr<DockerRegistry> registry_;
  ScratchFolder scratch_{"registry_home"};
  std::unique_ptr<TcpProxy> proxy_;
  std::unique_ptr<TestHome> home_;
};
std::unique_ptr<ScratchFolder> Registry::folder_;
std::unique_ptr<DockerRegistry> Registry::registry_;

TEST_F(Registry, GivesAModel) {
  const StoredModel model = home_->store.pull(registry_->name("library/m:135m"));
  expect_whole(model);
  EXPECT_EQ(model.system, "words");
  // What the registry calls the manifest's digest is what we keep.
  const egress::Response head =
      home_->door.send({.method = "HEAD",
                        .url = str("http://", registry_->host(), "/v2/library/m/manifests/135m"),
                        .headers = {{"Accept", "application/vnd.docker.distribution.manifest.v2+json"}}});
  EXPECT_EQ(head.header("docker-content-digest").substr(7, 12), model.id);
}

TEST_F(Registry, TellsWhichTagsItHas) {
  const Error error = failure([&] { home_->store.pull(registry_->name("library/m:136m")); });
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_THAT(error.message(), HasSubstr("the tags 135m"));
  EXPECT_EQ(failure([&] { home_->store.pull(registry_->name("library/none")); }).code(), ErrorCode::kNotFound);
}

TEST_F(Registry, BreaksOffAgainAndAgain) {
  proxy_->set({.after_bytes = 300'000});
  expect_whole(home_->store.pull(name_by_proxy()));
}

TEST_F(Registry, IsSlow) {
  // Each pause is well under the limit for a stall, all of them together are well over it.
  proxy_->set({.ms_per_piece = 10});
  TestHome impatient(home_->home, {}, {.stall_timeout_ms = 500});
  expect_whole(impatient.store.pull(name_by_proxy()));
}

TEST_F(Registry, StallsAgainAndAgain) {
  proxy_->set({.after_bytes = 600'000, .stall = true});
  TestHome impatient(home_->home, {}, {.stall_timeout_ms = 100});
  expect_whole(impatient.store.pull(name_by_proxy()));
}

TEST(RegistryChild, DISABLED_Pulls) {
  TestHome home(TestChild::argument("HOME"));
  home.store.pull(ModelName::parse(TestChild::argument("NAME")));
}

TEST_F(Registry, ThePullIsKilledAndResumed) {
  for (const size_t after_bytes : {100U, 5'000U, 700'000U, 1'999'000U}) {
    std::mutex mutex;
    std::condition_variable reached;
    bool is_reached = false;
    proxy_->set({.after_bytes = after_bytes, .stall = true, .before = [&] {
                   const std::lock_guard lock(mutex);
                   is_reached = true;
                   reached.notify_all();
                 }});
    {
      TestChild child("RegistryChild.DISABLED_Pulls", {{"HOME", home_->home}, {"NAME", name_by_proxy().to_string()}});
      std::unique_lock lock(mutex);
      ASSERT_TRUE(reached.wait_for(lock, std::chrono::seconds(60), [&] { return is_reached; }));
      lock.unlock();
      child.kill();
    }
    proxy_->set({});
    expect_whole(home_->store.pull(name_by_proxy()));
    home_->store.remove(name_by_proxy());
  }
}

TEST_F(Registry, SendsOtherBytes) {
  const std::string content = noise(500'000, 5);
  registry_->push("library/wrong:1", {{store::kModelLayer, content}});
  std::string damaged = content;
  damaged[250'000] ^= 1;
  system::write_file(registry_->data_path(content), damaged);
  const Error error = failure([&] { home_->store.pull(registry_->name("library/wrong:1")); });
  EXPECT_EQ(error.code(), ErrorCode::kNetwork);
  EXPECT_THAT(error.message(), HasSubstr("other bytes"));
  EXPECT_TRUE(fs::is_empty(home_->home + "/models/blobs"));
  system::write_file(registry_->data_path(content), content);
  EXPECT_EQ(system::read_file(home_->store.pull(registry_->name("library/wrong:1")).weights_path, 1 << 20), content);
}

TEST_F(Registry, HasLostABlob) {
  const std::string content = noise(500'000, 6);
  registry_->push("library/lost:1", {{store::kModelLayer, content}});
  fs::remove(registry_->data_path(content));
  const Error error = failure([&] { home_->store.pull(registry_->name("library/lost:1")); });
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  EXPECT_THAT(error.message(), HasSubstr("has no blob"));
  EXPECT_FALSE(home_->store.find(registry_->name("library/lost:1")));
}

TEST_F(Registry, ADiskIsTooSmallOrBecomesFull) {
  const std::string disk = scratch_.path() + "/disk";
  fs::create_directories(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=4m") != 0) {
    GTEST_SKIP() << "a small disk can be mounted by root only";
  }
  const auto unmount = [&](const std::string*) { ::umount2(disk.c_str(), MNT_DETACH); };
  const std::unique_ptr<const std::string, decltype(unmount)> mounted(&disk, unmount);
  const auto fill_up_to = [&](uint64_t n_left) {
    const std::string path = disk + "/filler";
    const system::FileDescriptor file = system::open_or_make(path);
    const std::vector<std::byte> zeros(4096);
    uint64_t n_free = system::free_bytes(disk);
    system::set_size(file, system::facts_of(path)->size_bytes, path);
    for (; n_free > n_left; n_free -= std::min<uint64_t>(n_free, zeros.size())) system::write_all(file, zeros, path);
  };
  TestHome home(disk + "/home");
  static_cast<void>(home.ledger.append({.host = "x", .outcome = "opening"}));  // the ledger takes its room first
  fill_up_to(1'500'000);
  const Error small = failure([&] { home.store.pull(registry_->name("library/m:135m")); });
  EXPECT_EQ(small.code(), ErrorCode::kNoSpace);
  EXPECT_EQ(exit_status(small.code()), 6);
  EXPECT_THAT(small.message(), HasSubstr("needs 2000007 bytes"));
  fs::remove(disk + "/filler");

  // Another program fills the disk while the weights arrive.
  proxy_->set({.after_bytes = SIZE_MAX, .ms_per_piece = 1});
  bool is_filled = false;
  const Error full = failure([&] {
    home.store.pull(name_by_proxy(), [&](const store::Progress& progress) {
      if (progress.done_bytes > 200'000 && !is_filled) {
        is_filled = true;
        fill_up_to(100'000);
      }
      return true;
    });
  });
  EXPECT_EQ(full.code(), ErrorCode::kNoSpace);
  EXPECT_THAT(full.message(), HasSubstr("more bytes are needed"));
  EXPECT_FALSE(home.store.find(name_by_proxy()));
  fs::remove(disk + "/filler");
  EXPECT_EQ(system::read_file(home.store.pull(name_by_proxy()).weights_path, 1 << 30), weights());
  EXPECT_FALSE(home.ledger.verify());
}

// ---- Registries with settings of their own
// ----------------------------------------------------------------------------

TEST(RegistryLogin, IsSaidWhereItIsNeeded) {
  if (!is_installed("docker-registry")) GTEST_SKIP() << "docker-registry is not installed";
  const ScratchFolder folder("registry_login");
  // The hash of some password; nobody logs in.
  const std::string file =
      folder.put("htpasswd", "user:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n");
  const DockerRegistry registry(folder.path(), str("auth:\n  htpasswd: {realm: test, path: ", file, "}\n"));
  TestHome home(folder.path() + "/home");
  const Error error = failure([&] { home.store.pull(registry.name("library/m:1")); });
  EXPECT_EQ(error.code(), ErrorCode::kNetwork);
  EXPECT_THAT(error.message(), HasSubstr("asks for a login"));
}

// A key and a certificate for 127.0.0.1 that signs itself.
struct Certificate {
  explicit Certificate(const ScratchFolder& folder)
      : key(folder.path() + "/key.pem"), certificate(folder.path() + "/cert.pem"), der(folder.path() + "/cert.der") {
    run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"});
    run({"openssl", "x509", "-in", certificate, "-outform", "DER", "-out", der});
  }
  std::string key;
  std::string certificate;
  std::string der;
};

std::string base64(std::string_view bytes, bool for_urls) {
  const std::string digits =
      str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", for_urls ? "-_" : "+/");
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t word = 0;
    for (size_t j = 0; j < 3; ++j) word = word << 8 | (j < n ? static_cast<uint8_t>(bytes[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j) {
      if (j <= n) {
        out += digits[word >> (18 - 6 * j) & 63];
      } else if (!for_urls) {
        out += '=';
      }
    }
  }
  return out;
}

// A token as the Docker registry specification has it: a JSON Web Token, signed with RS256.
std::string signed_token(const ScratchFolder& folder, const Certificate& certificate) {
  const std::string chain = base64(system::read_file(certificate.der, 1 << 20), false);
  const int64_t now = system::now_us() / 1'000'000;
  const std::string text =
      base64(str(R"({"typ":"JWT","alg":"RS256","x5c":[")", chain, R"("]})"), true) + "." +
      base64(str(R"({"iss":"kinglet-test","sub":"","aud":"kinglet-test","exp":)", now + 3600, R"(,"nbf":)", now - 60,
                 R"(,"iat":)", now, R"(,"jti":"1","access":[{"type":"repository","name":"library/m",)",
                 R"("actions":["pull","push"]}]})"),
             true);
  const std::string input = folder.put("token", text);
  const std::string signature = folder.path() + "/signature";
  run({"openssl", "dgst", "-sha256", "-sign", certificate.key, "-out", signature, input});
  return text + "." + base64(system::read_file(signature, 1 << 20), true);
}

TEST(RegistryToken, IsAskedForAndAccepted) {
  if (!is_installed("docker-registry") || !is_installed("openssl")) {
    GTEST_SKIP() << "docker-registry or openssl is not installed";
  }
  const ScratchFolder folder("registry_token");
  const Certificate certificate(folder);
  const std::string token = signed_token(folder, certificate);
  const egress::LoopbackServer issuer(
      [&](const egress::ServerRequest&) { return egress::ServerAnswer{.body = str(R"({"token":")", token, "\"}")}; });
  {
    const DockerRegistry open_to_all(folder.path());
    open_to_all.push("library/m:1", {{store::kModelLayer, weights()}});
  }
  const DockerRegistry registry(folder.path(), str("auth:\n  token: {realm: \"", issuer.url("/token"),
                                                   "\", service: kinglet-test, issuer: kinglet-test, rootcertbundle: ",
                                                   certificate.certificate, "}\n"));
  TestHome home(folder.path() + "/home");
  EXPECT_EQ(system::read_file(home.store.pull(registry.name("library/m:1")).weights_path, 1 << 30), weights());
  ASSERT_FALSE(issuer.requests().empty());
  EXPECT_THAT(issuer.requests()[0].target, HasSubstr("scope=repository%3Alibrary%2Fm%3Apull"));
  // The token is for library/m only.
  EXPECT_EQ(failure([&] { home.store.pull(registry.name("library/other:1")); }).code(), ErrorCode::kNetwork);
}

TEST(RegistryTls, IsTrustedOnlyWithItsCertificate) {
  if (!is_installed("docker-registry") || !is_installed("openssl")) {
    GTEST_SKIP() << "docker-registry or openssl is not installed";
  }
  const ScratchFolder folder("registry_tls");
  const Certificate certificate(folder);
  {
    const DockerRegistry plain(folder.path());
    plain.push("library/m:1", {{store::kModelLayer, weights()}});
  }
  const DockerRegistry registry(
      folder.path(), "", str("  tls: {certificate: ", certificate.certificate, ", key: ", certificate.key, "}\n"));
  const ModelName name = ModelName::parse(str("https://", registry.host(), "/library/m:1"));
  TestHome home(folder.path() + "/home");
  const Error error = failure([&] { home.store.pull(name); });
  EXPECT_EQ(error.code(), ErrorCode::kNetwork);
  EXPECT_THAT(error.message(), HasSubstr("no trusted connection"));
  TestHome trusting(folder.path() + "/home", {}, {.ca_file = certificate.certificate});
  EXPECT_EQ(system::read_file(trusting.store.pull(name).weights_path, 1 << 30), weights());
}

}  // namespace
}  // namespace kinglet::tests
