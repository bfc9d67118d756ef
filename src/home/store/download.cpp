#include "home/store/download.h"

#include <unistd.h>

#include <utility>

#include "core/base/base.h"
#include "home/system/system.h"

namespace kinglet::store {
namespace {

using egress::Response;
using system::FileDescriptor;
using system::LockMode;
using system::Sha256;

constexpr int kMaxFruitlessTries = 5;
constexpr int kMaxTries = 1000;

std::string partial_path(const OwnFolder& folder, const Layer& layer) {
  return folder.blob_path(layer.digest) + "-partial";
}

// Reads a blob that is here; a damaged one is removed.
bool is_sound(const OwnFolder& folder, const Layer& layer, const Pin& blob, Reporter& reporter) {
  const std::string path = folder.blob_path(layer.digest);
  reporter.begin(Step::kVerify, layer.digest.short_hex(), layer.size_bytes);
  Sha256 sum;
  uint64_t n_done = 0;
  system::read_all(blob, path, [&](std::span<const std::byte> bytes) {
    sum.add(bytes);
    reporter.advance_to(n_done += bytes.size());
  });
  if (sum.finish() == layer.digest) return true;
  // Another process that found the same may have put a sound one in its place.
  const system::FileLock held = folder.lock(LockMode::kExclusive);
  if (system::still_named(blob, path)) ::unlink(path.c_str());
  return false;
}

// The file of a download under way, locked; its bytes so far are summed up.
class Partial {
 public:
  Partial(const OwnFolder& folder, const Layer& layer, FileDescriptor file, Reporter& reporter)
      : layer_(layer), reporter_(reporter), path_(partial_path(folder, layer)), file_(std::move(file)) {
    reporter.begin(Step::kDownload, layer.digest.short_hex(), layer.size_bytes);
    system::read_all(file_, path_, [&](std::span<const std::byte> bytes) { add(bytes); });
    n_resumed_ = n_bytes_;
    if (n_bytes_ > layer.size_bytes) restart();
    system::set_size(file_, n_bytes_, path_);
  }

  [[nodiscard]] uint64_t n_bytes() const noexcept { return n_bytes_; }
  /// Whether bytes of an earlier process are among them.
  [[nodiscard]] bool is_resumed() const noexcept { return n_resumed_ > 0; }
  [[nodiscard]] bool is_complete() const noexcept { return n_bytes_ == layer_.size_bytes; }

  void write(std::span<const std::byte> bytes) {
    if (bytes.size() > layer_.size_bytes - n_bytes_) {
      fail_with(ErrorCode::kNetwork, "the registry sends more than the ", layer_.size_bytes,
                " bytes that its manifest names");
    }
    system::write_all(file_, bytes, path_);
    add(bytes);
  }
  void restart() {
    system::set_size(file_, 0, path_);
    sum_ = Sha256();
    n_bytes_ = 0;
    n_resumed_ = 0;
  }
  [[nodiscard]] bool has_digest() { return sum_.finish() == layer_.digest; }
  /// Gives it its final name. The lock is shared from now on: it is a pin.
  Pin publish(const std::string& target) {
    system::publish(file_, path_, target);
    system::lock(file_, LockMode::kShared);
    return std::move(file_);
  }
  void remove() { ::unlink(path_.c_str()); }

 private:
  void add(std::span<const std::byte> bytes) {
    sum_.add(bytes);
    n_bytes_ += bytes.size();
    if (n_bytes_ <= layer_.size_bytes) reporter_.advance_to(n_bytes_);
  }

  const Layer& layer_;
  Reporter& reporter_;
  std::string path_;
  FileDescriptor file_;
  Sha256 sum_;
  uint64_t n_bytes_ = 0;
  uint64_t n_resumed_ = 0;
};

// Takes the lock of a download; nullopt where somebody else has finished or dropped it while we waited.
std::optional<FileDescriptor> lock_partial(const OwnFolder& folder, const Layer& layer, Reporter& reporter) {
  const std::string path = partial_path(folder, layer);
  FileDescriptor file = system::open_or_make(path);
  if (!system::try_lock(file, LockMode::kExclusive)) {
    reporter.begin(Step::kWait, layer.digest.short_hex());
    if (!system::lock(file, LockMode::kExclusive, [&] { return reporter.keep_going(); })) {
      fail(ErrorCode::kCancelled, "stopped while another process is downloading the same");
    }
  }
  if (!system::still_named(file, path)) return std::nullopt;
  return file;
}

// One request for the rest. True where the registry answered as it should, so that there may be more to come.
bool ask_for_rest(Registry& registry, const Layer& layer, Partial& partial) {
  const Response response = registry.fetch_blob({
      .digest = layer.digest,
      .first_byte = partial.n_bytes(),
      .max_bytes = layer.size_bytes + 1,  // Partial says what is wrong with more
      .on_head =
          [&](const Response& head) {
            if (head.first_byte != partial.n_bytes()) partial.restart();  // it ignores ranges
          },
      .sink = [&](std::span<const std::byte> bytes) { partial.write(bytes); },
  });
  if (response.status == 200 || response.status == 206) return true;
  if (response.status == 404) {
    fail_with(
        ErrorCode::kNotFound, registry.host(), " has no blob ", layer.digest.to_string(),
        ", which the model's manifest names; the registry is damaged, or the model was just replaced: pull again");
  }
  if (response.status == 416) {
    partial.restart();
    return false;
  }
  const bool may_pass = response.status == 429 || response.status >= 500;
  if (!may_pass) registry.fail_with_status(response);
  return false;
}

void bring_rest(Registry& registry, const Layer& layer, const StoreOptions& options, Partial& partial,
                Reporter& reporter) {
  std::string last_failure = str(registry.host(), " does not send it");
  int n_fruitless = 0;
  for (int n_tries = 0; !partial.is_complete() && n_tries < kMaxTries; ++n_tries) {
    const uint64_t n_before = partial.n_bytes();
    try {
      if (ask_for_rest(registry, layer, partial) && partial.is_complete()) return;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNetwork) throw;
      last_failure = error.message();
    }
    n_fruitless = partial.n_bytes() > n_before ? 0 : n_fruitless + 1;
    if (n_fruitless > kMaxFruitlessTries) break;
    if (!partial.is_complete()) wait(options.retry_wait_ms << n_fruitless, reporter);
  }
  if (partial.is_complete()) return;
  fail_with(ErrorCode::kNetwork, last_failure, "; ", partial.n_bytes(), " of ", layer.size_bytes,
            " bytes have arrived and are kept: the same command goes on from there");
}

}  // namespace

uint64_t missing_bytes(const OwnFolder& folder, const Layer& layer) {
  const auto blob = system::facts_of(folder.blob_path(layer.digest));
  if (blob && blob->size_bytes == layer.size_bytes) return 0;
  const auto partial = system::facts_of(partial_path(folder, layer));
  const uint64_t n_have = partial ? partial->size_bytes : 0;
  return n_have > layer.size_bytes ? layer.size_bytes : layer.size_bytes - n_have;
}

Pin fetch_blob(Registry& registry, const OwnFolder& folder, const Layer& layer, const StoreOptions& options,
               Reporter& reporter) {
  auto pin = folder.pin(layer);
  if (pin && is_sound(folder, layer, *pin, reporter)) return std::move(*pin);
  for (;;) {
    auto file = lock_partial(folder, layer, reporter);
    pin = folder.pin(layer);  // somebody else has finished it while we waited
    if (!file && pin) return std::move(*pin);
    if (!file) continue;
    Partial partial(folder, layer, std::move(*file), reporter);
    if (pin) {
      partial.remove();
      return std::move(*pin);
    }
    try {
      bring_rest(registry, layer, options, partial, reporter);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNoSpace) throw;
      fail_with(ErrorCode::kNoSpace, "the disk of ", folder.path(), " is full; ", layer.size_bytes - partial.n_bytes(),
                " more bytes are needed. What has arrived is kept: make room, and the same command goes on from there");
    }
    const bool was_resumed = partial.is_resumed();
    if (partial.has_digest()) {
      Pin published = partial.publish(folder.blob_path(layer.digest));
      // Between its two locks somebody may have removed it as unused.
      if (system::still_named(published, folder.blob_path(layer.digest))) return published;
      continue;
    }
    partial.remove();
    if (was_resumed) continue;  // the fault may lie in what an earlier process left
    fail_with(ErrorCode::kNetwork, registry.host(), " sends other bytes than those of ", layer.digest.to_string(),
              "; they are removed. Its copy, or the way to it, is damaged");
  }
}

}  // namespace kinglet::store
