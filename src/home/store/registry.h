// A registry of models, asked by the ordinary protocol: GET /v2/NAMESPACE/NAME/manifests/TAG and .../blobs/DIGEST.
// Source: OCI distribution specification; Docker registry token authentication.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "home/egress/egress.h"
#include "home/store/reporter.h"
#include "home/store/store.h"

namespace kinglet::store {

/// One model at its registry. One thread.
class Registry {
 public:
  /// All outlive it.
  Registry(egress::Door& door, const StoreOptions& options, const ModelName& name, Reporter& reporter);

  /// The text of the manifest; nullopt where the registry has no such model.
  std::optional<std::string> fetch_manifest();
  /// Tags that the registry has for this name; empty where it does not say.
  std::vector<std::string> tags();

  struct BlobRequest {
    const system::Digest& digest;
    uint64_t first_byte = 0;
    uint64_t max_bytes = 0;
    std::function<void(const egress::Response&)> on_head = {};
    std::function<void(std::span<const std::byte>)> sink = {};
  };
  /// The answer to a request for a blob, whatever its status. Throws as Door::send.
  egress::Response fetch_blob(const BlobRequest& request);

  // ---- Pushing. Answers are given whatever their status; they throw as Door::send.

  bool has_blob(const system::Digest& digest);
  /// Opens an upload, or mounts the blob of another repository there (NAMESPACE/NAME; empty: none): status 201.
  egress::Response open_upload(const system::Digest& digest, std::string_view mount_from);
  /// Sends a part of a blob, which begins at `first_byte`, to where the upload's last answer said.
  egress::Response send_part(const std::string& upload, uint64_t first_byte, egress::ModelBytes part);
  /// How far an upload is: its answer has a Range.
  egress::Response ask_upload(const std::string& upload);
  egress::Response close_upload(const std::string& upload, const system::Digest& digest);
  /// Where an answer says that an upload goes on: on this registry, else throws Error{kRefused}.
  [[nodiscard]] std::string upload_in(const egress::Response& response) const;
  /// Makes the model findable. Throws Error{kNetwork}.
  void put_manifest(const std::string& text);

  /// "hf.co/USER/REPO:TAG: WHO answers with status 500: WHY".
  [[noreturn]] void fail_with_status(const egress::Response& response) const;
  [[nodiscard]] const std::string& host() const noexcept { return host_; }

 private:
  egress::Response send(egress::Request request);
  std::string ask_for_token(std::string_view challenge);
  [[nodiscard]] std::string url(std::string_view rest) const;

  egress::Door& door_;
  const ModelName& name_;
  Reporter& reporter_;
  std::string base_;  ///< "https://registry.ollama.ai"
  std::string host_;
  bool plain_http_;
  uint32_t retry_wait_ms_;
  std::string own_token_;      ///< Of the user; goes to host_ alone.
  std::string authorization_;  ///< As sent.
};

/// A challenge in a WWW-Authenticate header.
struct Challenge {
  std::string scheme;  ///< "bearer", in small letters.
  std::string realm = {};
  std::string service = {};
  std::string scope = {};
};
Challenge parse_challenge(std::string_view header);

/// Whether a registry may send those who ask it to this host for a token: itself, or one of the same domain.
bool may_give_tokens(std::string_view registry_host, std::string_view realm_host);

/// Waits `wait_ms`, or until the caller wants to stop. Throws Error{kCancelled}.
void wait(uint32_t wait_ms, Reporter& reporter);

}  // namespace kinglet::store
