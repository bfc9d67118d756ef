#include <unistd.h>

#include <utility>

#include "core/base/base.h"
#include "home/store/own_folder.h"
#include "home/system/system.h"

namespace kinglet::store {

using system::FileLock;
using system::LockMode;

namespace {

// Behind the name of a new blob: the name of a file that takes its place. Ends as all that is cleaned up does.
constexpr std::string_view kOther = "-shared.part";

}  // namespace

NewBlob::NewBlob(const OwnFolder& folder) : folder_(folder) {
  // Who cleans up has to find it locked.
  const FileLock held = folder.lock(LockMode::kShared);
  system::NewFile made = system::make_temporary(folder.blobs_folder() + "/import");
  path_ = std::move(made.path);
  file_ = std::move(made.file);
  system::lock(file_, LockMode::kExclusive);
}

NewBlob::~NewBlob() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

void NewBlob::write(std::span<const std::byte> bytes) {
  system::write_all(file_, bytes, path_);
  sum_.add(bytes);
  size_bytes_ += bytes.size();
}

void NewBlob::take_file(const std::string& from, system::Content content, Reporter& reporter) {
  const auto facts = system::facts_of(from);
  if (!facts || !facts->is_file) fail_with(ErrorCode::kNotFound, from, ": no such file");
  bool shared = false;
  {
    const FileLock held = folder_.lock(LockMode::kShared);
    const std::string other = str(path_, kOther);
    shared = system::share_file(from, other, content);
    if (shared) {
      ::unlink(path_.c_str());
      path_ = other;
      file_ = system::open_for_reading(path_);
      if (!system::try_lock(file_, LockMode::kShared)) {
        fail_with(ErrorCode::kIo, from, ": another program holds a lock on it");
      }
    }
  }
  if (!shared) require_space(folder_, from, facts->size_bytes);
  const system::FileDescriptor source = shared ? system::FileDescriptor() : system::open_for_reading(from);
  system::read_all(shared ? file_ : source, from, [&](std::span<const std::byte> bytes) {
    if (shared) {
      sum_.add(bytes);
      size_bytes_ += bytes.size();
    } else {
      write(bytes);
    }
    reporter.advance_to(size_bytes_);
  });
}

PinnedLayer NewBlob::publish(std::string_view media_type) {
  Layer layer{std::string(media_type), sum_.finish(), size_bytes_};
  Pin pin = publish_under(layer.digest);
  return {std::move(layer), std::move(pin)};
}

std::optional<Pin> NewBlob::publish_as(const Layer& layer) {
  if (sum_.finish() != layer.digest) return std::nullopt;
  return publish_under(layer.digest);
}

Pin NewBlob::publish_under(const system::Digest& digest) {
  {
    // Nobody removes what is locked, so the name that it gets now stays. A lock that changes its kind is free for a
    // moment: who cleans up waits for this one.
    const FileLock held = folder_.lock(LockMode::kShared);
    system::lock(file_, LockMode::kShared);
  }
  system::publish(file_, path_, folder_.blob_path(digest));
  // Where the blob was there already as a second name of the same file, a rename does nothing.
  ::unlink(path_.c_str());
  path_.clear();
  return std::move(file_);
}

PinnedLayer put_text(const OwnFolder& folder, std::string_view text, std::string_view media_type) {
  NewBlob blob(folder);
  blob.write(std::as_bytes(std::span(text.data(), text.size())));
  return blob.publish(media_type);
}

}  // namespace kinglet::store
