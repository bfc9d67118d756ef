#include "home/store/upload.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

#include "core/base/base.h"
#include "home/system/system.h"

namespace kinglet::store {
namespace {

using egress::Response;

constexpr uint64_t kPartBytes = uint64_t{64} << 20;
constexpr int kMaxFruitlessTries = 5;
constexpr int kMaxTries = 1000;

bool is_good(const Response& response) { return response.status >= 200 && response.status < 300; }

// One blob on its way.
class Upload {
 public:
  Upload(Registry& registry, const std::string& path, const Layer& layer, Reporter& reporter)
      : registry_(registry), path_(path), layer_(layer), reporter_(reporter), file_(system::open_for_reading(path)) {}

  void run(std::string_view mount_from, uint32_t retry_wait_ms) {
    if (registry_.has_blob(layer_.digest)) return;  // one that cannot be reached at all is not asked again
    int n_fruitless = 0;
    for (int n_tries = 0; n_tries < kMaxTries; ++n_tries) {
      const uint64_t n_before = n_done_;
      try {
        if (go_on(mount_from)) return;
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kNetwork || refused_) throw;
        if (n_fruitless == kMaxFruitlessTries) throw;
      }
      n_fruitless = n_done_ > n_before ? 0 : n_fruitless + 1;
      if (n_fruitless > kMaxFruitlessTries) break;
      wait(retry_wait_ms << n_fruitless, reporter_);
    }
    fail_with(ErrorCode::kNetwork, registry_.host(), ": the upload of ", layer_.digest.short_hex(),
              " breaks off again and again; try again later");
  }

 private:
  // A step further; true when the registry has all of it. Throws Error{kNetwork} where the connection breaks.
  bool go_on(std::string_view mount_from) {
    if (lost_) find_again();
    lost_ = true;  // until the step has its answer
    if (upload_.empty()) {
      if (reopens_ && registry_.has_blob(layer_.digest)) return true;
      reopens_ = true;
      const Response response = registry_.open_upload(layer_.digest, mount_from);
      if (response.status == 201) return true;
      if (!take(response)) return false;
      n_done_ = 0;
    }
    while (n_done_ < layer_.size_bytes) {
      lost_ = true;
      const uint64_t n = std::min(kPartBytes, layer_.size_bytes - n_done_);
      if (!take(registry_.send_part(upload_, n_done_, part(n)))) return false;
      n_done_ += n;
    }
    lost_ = true;
    return take(registry_.close_upload(upload_, layer_.digest), true);
  }

  // What the registry says of the upload; an answer that may be another one next time is asked for again.
  bool take(const Response& response, bool is_last = false) {
    if (response.status == 404 && !upload_.empty()) {  // it has forgotten the upload
      upload_.clear();
      return false;
    }
    if (response.status == 416 || response.status == 429 || response.status >= 500) return false;
    if (!is_good(response)) {
      refused_ = true;
      registry_.fail_with_status(response);
    }
    if (!is_last) upload_ = registry_.upload_in(response);
    lost_ = false;
    return true;
  }

  // How far the registry has got.
  void find_again() {
    lost_ = false;
    if (upload_.empty()) return;
    const Response response = registry_.ask_upload(upload_);
    const std::string_view range = response.header("range");  // "0-N"
    uint64_t last = 0;
    const bool is_range = range.starts_with("0-") &&
                          std::from_chars(range.data() + 2, range.data() + range.size(), last).ec == std::errc();
    if (!is_good(response) || !is_range || last >= layer_.size_bytes) {
      upload_.clear();  // from the start
      n_done_ = 0;
      return;
    }
    upload_ = registry_.upload_in(response);
    n_done_ = last == 0 ? 0 : last + 1;  // "0-0" is what registries say of nothing
  }

  [[nodiscard]] size_t read(uint64_t from, std::span<std::byte> into) const {
    const ssize_t n = ::pread(file_.get(), into.data(), into.size(), static_cast<off_t>(from));
    if (n <= 0) {
      fail_with(n < 0 ? ErrorCode::kIo : ErrorCode::kInvalidFile, path_, n < 0 ? ": cannot be read" : ": is too short");
    }
    return static_cast<size_t>(n);
  }

  [[nodiscard]] egress::ModelBytes part(uint64_t n_bytes) const {
    const uint64_t begin = n_done_;
    system::Sha256 sum;
    std::vector<std::byte> buffer(size_t{1} << 20);
    for (uint64_t at = 0; at < n_bytes;) {
      const size_t n = read(begin + at, std::span(buffer).first(std::min<uint64_t>(buffer.size(), n_bytes - at)));
      sum.add(std::span(buffer).first(n));
      at += n;
    }
    return {n_bytes, sum.finish(), [this, begin](uint64_t offset, std::span<std::byte> into) {
              const size_t n = read(begin + offset, into);
              reporter_.advance_to(begin + offset + n);
              return n;
            }};
  }

  Registry& registry_;
  const std::string& path_;
  const Layer& layer_;
  Reporter& reporter_;
  system::FileDescriptor file_;
  std::string upload_;  // where it goes on; empty: it has to be opened
  uint64_t n_done_ = 0;
  bool reopens_ = false;  // it was opened before
  bool lost_ = false;     // nobody knows how far it is
  bool refused_ = false;  // asking again changes nothing
};

}  // namespace

void upload_blob(Registry& registry, const std::string& path, const Layer& layer, std::string_view mount_from,
                 const StoreOptions& options, Reporter& reporter) {
  reporter.begin(Step::kUpload, layer.digest.short_hex(), layer.size_bytes);
  Upload(registry, path, layer, reporter).run(mount_from, options.retry_wait_ms);
  reporter.advance_to(layer.size_bytes);
}

}  // namespace kinglet::store
