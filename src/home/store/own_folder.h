// Our own models folder: what changes it, and the locks under which it does.
//
//   blobs/sha256-HEX           complete; never changed afterwards
//   blobs/sha256-HEX-partial   a download; its writer holds a lock on it
//   blobs/import.....part      a blob whose digest is not known yet; its writer holds a lock on it
//   manifests/...              one file a model
//   folders/HEX/               a Hugging Face model laid out as links to its blobs; made from its manifest at will
//   removed/HEX                the manifest of a removed model whose blobs may not be removed yet
//   store.lock                 held alone while manifests change or blobs are removed, and shared while a new
//                              import.....part has no lock of its own yet
//
// A blob is complete under its name before a manifest that names it is written, and a manifest is gone before its blobs
// are: so a manifest that is there is whole, whenever a process is killed. Who is about to write a manifest holds a
// shared lock on each of its blobs (a Pin), and who removes a blob holds it alone: a model that is being pulled does
// not lose a blob to the removal of another one.
#pragma once

#include <optional>
#include <string>

#include "home/store/models_folder.h"
#include "home/store/reporter.h"
#include "home/system/file.h"
#include "home/system/lock.h"

namespace kinglet::store {

/// Keeps a blob from being removed while it lives.
using Pin = system::FileDescriptor;

/// A blob with its pin.
struct PinnedLayer {
  Layer layer;
  Pin pin;
};

class OwnFolder : public ModelsFolder {
 public:
  explicit OwnFolder(const std::string& home) : ModelsFolder(home + "/models", Place::kOwn) {}

  /// Makes the folders.
  void make() const;
  [[nodiscard]] system::FileLock lock(system::LockMode mode) const;

  /// Writes a manifest if all its blobs are here; false where another process has removed one meanwhile. What had the
  /// name before is removed.
  [[nodiscard]] bool commit(const ModelName& name, const Manifest& manifest, std::string_view text) const;

  /// Removes a name and what only it used. False where it is not there.
  bool remove(const ModelName& name) const;

  /// Removes the blobs of a manifest that was not written, but those that other ones use or somebody has pinned.
  void discard(const Manifest& manifest) const;

  /// Pins a blob that is here in its right size; nullopt where it is not.
  [[nodiscard]] std::optional<Pin> pin(const Layer& layer) const;

  /// Lays a Hugging Face model out as a folder, if it is not yet. Throws Error{kInvalidFile} for a damaged manifest.
  void lay_out(const Found& found) const;

  /// Removes what killed processes left: see Store::clean(). `now_s`: seconds since 1970.
  void clean(int64_t now_s) const;

 private:
  void lay_out_locked(const system::Digest& digest, const Manifest& manifest) const;
  void bury(const std::string& text) const;
  void finish_removals() const;
  void prune_blobs(int64_t now_s) const;
  [[nodiscard]] std::string lock_path() const { return path() + "/store.lock"; }
  [[nodiscard]] std::string removed_folder() const { return path() + "/removed"; }
};

/// A blob that is being made, whose digest is not known yet. Removed unless it is published.
class NewBlob {
 public:
  explicit NewBlob(const OwnFolder& folder);
  ~NewBlob();
  NewBlob(const NewBlob&) = delete;
  NewBlob& operator=(const NewBlob&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  void write(std::span<const std::byte> bytes);
  /// Takes all bytes of a file instead of written ones: shares its blocks where it can be done, else copies. Throws
  /// Error{kNoSpace} with the bytes needed before anything is copied.
  void take_file(const std::string& from, system::Content content, Reporter& reporter);
  /// Gives it its name among the blobs.
  PinnedLayer publish(std::string_view media_type);
  /// The same where it is the blob of this layer; else it is not published.
  std::optional<Pin> publish_as(const Layer& layer);

 private:
  Pin publish_under(const system::Digest& digest);

  const OwnFolder& folder_;
  std::string path_;
  system::FileDescriptor file_;
  system::Sha256 sum_;
  uint64_t size_bytes_ = 0;
};

/// Makes a blob of a text.
PinnedLayer put_text(const OwnFolder& folder, std::string_view text, std::string_view media_type);

/// Throws Error{kNoSpace} "WHAT: needs N bytes ..." where the folder's disk has no room for so many.
void require_space(const OwnFolder& folder, std::string_view what, uint64_t n_bytes);

}  // namespace kinglet::store
