// TLS, with certificates that the tool `openssl` makes and judges.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>

#include "front/serve/http/raw_client.h"
#include "front/serve/http/test_handler.h"
#include "home/system/file.h"
#include "home/system/scratch_folder.h"

extern char** environ;

namespace kinglet::serve::http {
namespace {

// Runs openssl with these words, `input` at its standard input and its output in a file; its exit status.
int openssl(const system::ScratchFolder& folder, std::vector<std::string> words, const std::string& input,
            std::string& output) {
  const std::string in_path = folder.path() + "/in";
  const std::string out_path = folder.path() + "/out";
  std::ofstream(in_path) << input;
  words.insert(words.begin(), "openssl");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, in_path.c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = 0;
  const int failed = posix_spawnp(&pid, "openssl", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return -1;
  int status = 0;
  ::waitpid(pid, &status, 0);
  output = system::read_small_file(out_path);
  return WEXITSTATUS(status);
}

class ServerTls : public testing::Test {
 protected:
  void SetUp() override {
    std::string output;
    if (openssl(folder, {"version"}, "", output) != 0) GTEST_SKIP() << "openssl is not installed";
    make_certificate("first");
  }

  // Makes key.pem and certificate.pem, of localhost.
  void make_certificate(const std::string& organization) {
    std::string output;
    ASSERT_EQ(openssl(folder,
                      {"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                       key, "-out", certificate, "-days", "2", "-subj", "/O=" + organization + "/CN=localhost",
                       "-addext", "subjectAltName=DNS:localhost"},
                      "", output),
              0)
        << output;
  }

  ServerOptions options() const { return {.port = 0, .tls_certificate = certificate, .tls_key = key}; }

  // What a client that trusts our certificate gets; it waits for the server to end the connection.
  std::string ask(const Server& server, const std::string& request, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {
        "s_client", "-connect",  str("127.0.0.1:", server.port()), "-servername",      "localhost",
        "-CAfile",  certificate, "-verify_return_error",           "-verify_hostname", "localhost",
        "-ign_eof"};
    words.insert(words.end(), more.begin(), more.end());
    std::string output;
    openssl(folder, words, request, output);
    return output;
  }

  system::ScratchFolder folder{"http_tls"};
  const std::string key = folder.path() + "/key.pem";
  const std::string certificate = folder.path() + "/certificate.pem";
  TestHandler handler;
};

constexpr std::string_view kAsk = "GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

TEST_F(ServerTls, AnswersThroughTls) {
  const Server server(options(), handler);
  EXPECT_EQ(server.addresses(), std::vector<std::string>{str("https://127.0.0.1:", server.port())});
  const std::string answer = ask(server, std::string(kAsk));
  EXPECT_NE(answer.find("Verify return code: 0 (ok)"), std::string::npos) << answer;
  EXPECT_NE(answer.find("GET /a? "), std::string::npos) << answer;
  const std::string stream = ask(server,
                                 "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\nGET /stream HTTP/1.1\r\nHost: "
                                 "localhost\r\nConnection: close\r\n\r\n");
  EXPECT_NE(stream.find("eeeeeeeeee"), stream.rfind("eeeeeeeeee")) << stream;
  EXPECT_TRUE(eventually([&] { return handler.n_sources == 0; }));
}

TEST_F(ServerTls, SpeaksHttp11AndNoOldTls) {
  const Server server(options(), handler);
  EXPECT_NE(ask(server, std::string(kAsk), {"-alpn", "h2,http/1.1"}).find("ALPN protocol: http/1.1"),
            std::string::npos);
  EXPECT_EQ(ask(server, std::string(kAsk), {"-alpn", "h2"}).find("GET /a? "), std::string::npos);
  EXPECT_NE(ask(server, std::string(kAsk), {"-tls1_2"}).find("GET /a? "), std::string::npos);
  EXPECT_EQ(ask(server, std::string(kAsk), {"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"}).find("GET /a? "),
            std::string::npos);
}

TEST_F(ServerTls, TakesNewCertificatesWhileItRuns) {
  Server server(options(), handler);
  EXPECT_NE(ask(server, std::string(kAsk)).find("O = first"), std::string::npos);
  make_certificate("second");
  server.reload_certificates();
  const std::string answer = ask(server, std::string(kAsk));
  EXPECT_NE(answer.find("O = second"), std::string::npos) << answer;
  EXPECT_NE(answer.find("GET /a? "), std::string::npos) << answer;
  // What cannot be used changes nothing.
  std::ofstream(key) << "no key";
  EXPECT_THROW(server.reload_certificates(), Error);
  EXPECT_NE(ask(server, std::string(kAsk)).find("GET /a? "), std::string::npos);
}

TEST_F(ServerTls, RefusesAKeyThatIsNotTheCertificates) {
  const std::string other = folder.path() + "/other.pem";
  std::filesystem::copy_file(certificate, other);
  make_certificate("second");
  EXPECT_THROW(Server({.port = 0, .tls_certificate = other, .tls_key = key}, handler), Error);
}

TEST_F(ServerTls, ClientsThatSpeakNoTlsOrVanishHurtNobody) {
  ServerOptions quick = options();
  quick.limits.head_time = std::chrono::milliseconds(200);
  const Server server(quick, handler);
  RawClient plain(server.port());
  plain.send(kAsk);
  EXPECT_TRUE(plain.ends_within(std::chrono::seconds(3)));
  RawClient silent(server.port());
  EXPECT_TRUE(silent.ends_within(std::chrono::seconds(3)));
  for (int i = 0; i < 100; ++i) {
    RawClient client(server.port());
    client.send(std::string_view("\x16\x03\x01\x01\x00\x01\x00", 7));
    i % 2 == 0 ? client.drop() : client.close();
  }
  EXPECT_TRUE(eventually([&] { return server.statistics().n_connections_now == 0; }));
  EXPECT_NE(ask(server, std::string(kAsk)).find("GET /a? "), std::string::npos);
}

}  // namespace
}  // namespace kinglet::serve::http
