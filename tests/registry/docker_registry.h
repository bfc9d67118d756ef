// Debian's docker-registry on loopback: a real OCI registry, filled through its own HTTP interface.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/base.h"
#include "home/store/fake_registry.h"
#include "home/store/manifest.h"
#include "home/system/system.h"
#include "process.h"

namespace kinglet::tests {

inline bool is_listening(uint16_t port) {
  const system::FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = egress::loopback_address(port);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

inline uint16_t free_port() {
  const system::FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = egress::loopback_address(0);
  socklen_t length = sizeof(address);
  ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

class DockerRegistry {
 public:
  /// Starts it with its data in `folder`, and these lines more in its settings: `http` inside the section of that name.
  explicit DockerRegistry(std::string folder, const std::string& settings = "", const std::string& http = "")
      : folder_(std::move(folder)) {
    for (int n_tries = 0; n_tries < 5; ++n_tries) {
      port_ = free_port();
      const std::string config = folder_ + "/registry.yml";
      system::write_file(
          config, str("version: 0.1\nlog: {level: error}\nstorage:\n  filesystem: {rootdirectory: ", folder_,
                      "/data}\n  delete: {enabled: true}\n", settings, "http:\n  addr: 127.0.0.1:", port_, "\n", http));
      process_ = std::make_unique<Process>(std::vector<std::string>{"docker-registry", "serve", config},
                                           folder_ + "/registry.log");
      // Another program may have taken the port meanwhile: then it ends, and the next one is tried.
      for (int i = 0; i < 600 && process_->is_running(); ++i) {
        if (is_listening(port_)) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    }
    throw std::runtime_error("docker-registry does not listen: " +
                             system::read_file(folder_ + "/registry.log", 1 << 20));
  }

  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] std::string host() const { return str("127.0.0.1:", port_); }
  [[nodiscard]] store::ModelName name(const std::string& rest) const {
    return store::ModelName::parse(str(host(), '/', rest));
  }

  /// Pushes a model (media type, content) as NAMESPACE/NAME:TAG.
  void push(const std::string& rest, const store::FakeRegistry::Words& layers) const {
    const system::ScratchFolder scratch("registry_push");
    store::TestHome home(scratch.path(), {}, {.escalate = egress::EscalatePolicy::kAllow});
    const std::string repository = str("http://", host(), "/v2/", rest.substr(0, rest.find(':')));
    const auto send = [&](const std::string& method, const std::string& url, const std::string& body,
                          const char* type) {
      const egress::Response response = home.door.send({.reason = egress::Reason::kEscalate,
                                                        .method = method,
                                                        .url = url,
                                                        .headers = {{"Content-Type", type}},
                                                        .body = body});
      if (response.status < 200 || response.status > 299) {
        throw std::runtime_error(str(method, ' ', url, ": ", response.status, ' ', response.body));
      }
      return response;
    };
    const auto put_blob = [&](std::string_view media_type, const std::string& content) {
      const system::Digest digest = system::Sha256::of(content);
      const auto opened = send("POST", repository + "/blobs/uploads/", "", "application/octet-stream");
      const std::string location(opened.header("location"));
      send("PUT", str(location, location.find('?') == std::string::npos ? '?' : '&', "digest=", digest.to_string()),
           content, "application/octet-stream");
      return store::Layer{std::string(media_type), digest, content.size()};
    };
    store::Manifest manifest{put_blob(store::kConfigLayer, "{}")};
    for (const auto& [type, content] : layers) manifest.layers.push_back(put_blob(type, content));
    send("PUT", str(repository, "/manifests/", rest.substr(rest.find(':') + 1)), manifest.to_text(),
         "application/vnd.docker.distribution.manifest.v2+json");
  }

  /// Where the registry keeps a blob.
  [[nodiscard]] std::string data_path(const std::string& content) const {
    const std::string hex = system::Sha256::of(content).hex();
    return str(folder_, "/data/docker/registry/v2/blobs/sha256/", hex.substr(0, 2), '/', hex, "/data");
  }

 private:
  std::string folder_;
  uint16_t port_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace kinglet::tests
