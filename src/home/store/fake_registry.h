// A registry for tests, on loopback: serves models from memory, and wrongly where a test wants it to.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/base.h"
#include "home/egress/loopback_server.h"
#include "home/store/manifest.h"
#include "home/store/store.h"
#include "home/system/scratch_folder.h"
#include "model/format/sample_family.h"

namespace kinglet::store {

/// Bytes that do not repeat early.
inline std::string noise(size_t n, uint32_t seed = 1) {
  std::string bytes(n, '\0');
  uint32_t state = seed * 2654435761U + 1;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

class FakeRegistry {
 public:
  using Request = egress::ServerRequest;
  using Answer = egress::ServerAnswer;
  using Words = std::vector<std::pair<std::string_view, std::string>>;

  FakeRegistry() : server_([this](const Request& request) { return answer(request); }) {}

  [[nodiscard]] ModelName name(const std::string& rest = "library/m:latest") const {
    return ModelName::parse(str(server_.host(), '/', rest));
  }
  [[nodiscard]] const egress::LoopbackServer& server() const { return server_; }

  /// Adds a model of these layers (media type, content) under NAMESPACE/NAME:TAG.
  void add(const std::string& rest, const Words& layers) {
    Manifest manifest{put(kConfigLayer, "{}")};
    for (const auto& [type, content] : layers) manifest.layers.push_back(put(type, content));
    const size_t colon = rest.find(':');
    const std::lock_guard lock(mutex_);
    files_[str("/v2/", rest.substr(0, colon), "/manifests/", rest.substr(colon + 1))] = manifest.to_text();
  }
  void remove_blob(const std::string& content) {
    const std::lock_guard lock(mutex_);
    blobs_.erase(system::Sha256::of(content).to_string());
  }

  /// Asked first for each request; nullopt: answer as a registry does.
  void twist(std::function<std::optional<Answer>(const Request&, const Answer& right)> twist) {
    const std::lock_guard lock(mutex_);
    twist_ = std::move(twist);
  }

  /// Requests for blobs, and where they began.
  [[nodiscard]] std::vector<uint64_t> blob_starts() const {
    std::vector<uint64_t> starts;
    for (const Request& request : server_.requests()) {
      if (request.target.find("/blobs/") != std::string::npos) starts.push_back(request.first_byte);
    }
    return starts;
  }

 private:
  Layer put(std::string_view type, const std::string& content) {
    const system::Digest digest = system::Sha256::of(content);
    const std::lock_guard lock(mutex_);
    blobs_[digest.to_string()] = content;
    return {std::string(type), digest, content.size()};
  }

  Answer answer(const Request& request) {
    std::function<std::optional<Answer>(const Request&, const Answer&)> twist;
    Answer right{.status = 404, .body = R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]})"};
    {
      const std::lock_guard lock(mutex_);
      twist = twist_;
      if (const auto file = files_.find(request.target); file != files_.end()) {
        right = {.body = file->second};
      }
      const size_t blob_at = request.target.find("/blobs/");
      if (blob_at != std::string::npos) {
        const auto blob = blobs_.find(request.target.substr(blob_at + 7));
        if (blob != blobs_.end()) right = {.body = blob->second, .honour_range = true};
      }
    }
    if (twist) {
      if (auto twisted = twist(request, right)) return std::move(*twisted);
    }
    return right;
  }

  std::mutex mutex_;
  std::map<std::string, std::string> files_;
  std::map<std::string, std::string> blobs_;
  std::function<std::optional<Answer>(const Request&, const Answer&)> twist_;
  egress::LoopbackServer server_;
};

/// A home with everything that a store needs.
struct TestHome {
  explicit TestHome(std::string path, StoreOptions options = {}, egress::DoorOptions door_options = {})
      : home(std::move(path)),
        database(home + "/kinglet.db"),
        ledger(database),
        door(std::move(door_options), ledger),
        store(with_home(std::move(options), home), door) {}

  static StoreOptions with_home(StoreOptions options, const std::string& home) {
    options.home = home;
    options.retry_wait_ms = 1;
    options.families = format::samples::sample_families();
    return options;
  }

  std::string home;
  db::Database database;
  ledger::Ledger ledger;
  egress::Door door;
  Store store;
};

}  // namespace kinglet::store
