#include "home/store/own_folder.h"

#include <unistd.h>

#include <filesystem>
#include <set>

#include "core/base/base.h"
#include "home/system/system.h"

namespace kinglet::store {
namespace {

namespace fs = std::filesystem;
using system::Digest;
using system::FileDescriptor;
using system::FileLock;
using system::LockMode;

constexpr int64_t kKeepUnusedS = 7 * 24 * 3600;
constexpr std::string_view kPartial = "-partial";
constexpr std::string_view kTemporary = ".part";

std::vector<fs::path> paths_in(const std::string& folder) {
  std::vector<fs::path> paths;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) paths.push_back(entry.path());
  return paths;
}

void remove_path(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

// Digests that a text names; of a damaged manifest those that can still be read.
void add_digests(const std::string& text, std::set<Digest>& digests) {
  constexpr std::string_view kStart = "sha256:";
  const size_t length = kStart.size() + 2 * Digest::kBytes;
  for (size_t at = text.find(kStart); at != std::string::npos; at = text.find(kStart, at + 1)) {
    if (const auto digest = Digest::parse(std::string_view(text).substr(at, length))) digests.insert(*digest);
  }
}

// What all manifests use; nullopt where one cannot be read, so that nobody knows.
std::optional<std::set<Digest>> used_digests(const ModelsFolder& folder) {
  std::set<Digest> used;
  for (const ModelsFolder::Found& found : folder.all()) {
    if (found.text.empty()) return std::nullopt;
    add_digests(found.text, used);
  }
  return used;
}

// Removes a file unless somebody has locked it; true where it is gone.
bool remove_unlocked(const std::string& path) {
  try {
    const FileDescriptor file = system::open_for_reading(path);
    return system::try_lock(file, LockMode::kExclusive) && ::unlink(path.c_str()) == 0;
  } catch (const Error& error) {
    return error.code() == ErrorCode::kNotFound;  // else it is not ours to open, and stays
  }
}

bool is_old(const fs::path& path, int64_t now_s) {
  const auto facts = system::facts_of(path.string());
  return facts && facts->changed_s < now_s - kKeepUnusedS;
}

// Removes the folders of a name that have become empty.
void remove_empty_parents(fs::path path, int n_levels) {
  std::error_code error;
  for (int i = 0; i < n_levels && !error; ++i) {
    path = path.parent_path();
    fs::remove(path, error);  // refuses folders that hold something
  }
}

}  // namespace

void OwnFolder::make() const {
  system::make_folders(blobs_folder());
  system::make_folders(manifests_folder());
  system::make_folders(removed_folder());
}

FileLock OwnFolder::lock(LockMode mode) const { return {lock_path(), mode}; }

bool OwnFolder::commit(const ModelName& name, const Manifest& manifest, std::string_view text) const {
  const FileLock held = lock(LockMode::kExclusive);
  if (!missing(manifest).empty()) return false;
  std::string target = manifest_path(name);
  if (const auto before = find(name)) {
    target = before->path;
    if (before->text != text) bury(before->text);
  }
  system::make_folders(fs::path(target).parent_path().string());
  if (manifest.find(kFileLayer) != nullptr) lay_out_locked(system::Sha256::of(text), manifest);
  system::write_file(target, text);
  finish_removals();
  return true;
}

bool OwnFolder::remove(const ModelName& name) const {
  const FileLock held = lock(LockMode::kExclusive);
  const auto found = find(name);
  if (!found) return false;
  bury(found->text);
  if (::unlink(found->path.c_str()) != 0) system::fail_write(found->path, errno);
  system::sync_folder(fs::path(found->path).parent_path().string());
  remove_empty_parents(found->path, 3);
  finish_removals();
  return true;
}

void OwnFolder::discard(const Manifest& manifest) const {
  const FileLock held = lock(LockMode::kExclusive);
  bury(manifest.to_text());
  finish_removals();
}

std::optional<Pin> OwnFolder::pin(const Layer& layer) const {
  const std::string path = blob_path(layer.digest);
  for (;;) {
    const auto facts = system::facts_of(path);
    if (!facts || !facts->is_file || facts->size_bytes != layer.size_bytes) return std::nullopt;
    try {
      Pin file = system::open_for_reading(path);
      system::lock(file, LockMode::kShared);
      if (system::still_named(file, path)) return file;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound) throw;  // removed just now: looked at again
    }
  }
}

void OwnFolder::bury(const std::string& text) const {
  system::make_folders(removed_folder());
  system::write_file(str(removed_folder(), '/', system::Sha256::of(text).hex()), text);
}

void OwnFolder::finish_removals() const {
  const std::vector<fs::path> graves = paths_in(removed_folder());
  if (graves.empty()) return;
  const auto used = used_digests(*this);
  if (!used) return;
  std::set<std::string> folders;
  for (const Found& found : all()) folders.insert(folder_path(system::Sha256::of(found.text)));
  for (const fs::path& grave : graves) {
    const std::string text = system::read_file(grave.string(), kMaxManifestBytes);
    const std::string folder = folder_path(system::Sha256::of(text));
    if (!folders.contains(folder)) remove_path(folder);
    std::set<Digest> digests;
    add_digests(text, digests);
    bool all_gone = true;
    for (const Digest& digest : digests) {
      if (!used->contains(digest)) all_gone &= remove_unlocked(blob_path(digest));
    }
    if (all_gone) remove_path(grave);  // else somebody has pinned a blob for a model that is not written yet
  }
}

void OwnFolder::lay_out(const Found& found) const {
  const Digest digest = system::Sha256::of(found.text);
  const Manifest manifest = Manifest::parse(found.text, found.name.to_string());
  if (manifest.find(kFileLayer) == nullptr || system::facts_of(folder_path(digest))) return;
  const FileLock held = lock(LockMode::kExclusive);
  lay_out_locked(digest, manifest);
}

void OwnFolder::lay_out_locked(const Digest& digest, const Manifest& manifest) const {
  const std::string target = folder_path(digest);
  if (system::facts_of(target)) return;
  const std::string temporary = str(target, kTemporary);
  remove_path(temporary);
  system::make_folders(temporary);
  for (const Layer& layer : manifest.layers) {
    if (layer.media_type != kFileLayer) continue;
    const std::string link = str(temporary, '/', layer.title);
    const size_t slash = layer.title.find('/');
    if (slash != std::string::npos) system::make_folders(str(temporary, '/', layer.title.substr(0, slash)));
    const std::string blob = str(slash == std::string::npos ? "" : "../", "../../blobs/", layer.digest.to_string('-'));
    if (::symlink(blob.c_str(), link.c_str()) != 0) system::fail_write(link, errno);
  }
  system::sync_folder(temporary);
  if (::rename(temporary.c_str(), target.c_str()) != 0) system::fail_write(target, errno);
  system::sync_folder(path() + "/folders");
}

void OwnFolder::clean(int64_t now_s) const {
  if (!system::facts_of(lock_path())) return;
  const FileLock held = lock(LockMode::kExclusive);
  // Manifests and folders are written under the lock: what is not complete now was left.
  for (const std::string& folder : {manifests_folder(), removed_folder()}) {
    std::error_code ignored;
    for (fs::recursive_directory_iterator at(folder, ignored), end; at != end; at.increment(ignored)) {
      if (at->is_regular_file(ignored) && at->path().native().ends_with(kTemporary)) remove_path(at->path());
    }
  }
  for (const fs::path& folder : paths_in(path() + "/folders")) {
    if (folder.native().ends_with(kTemporary)) remove_path(folder);
  }
  finish_removals();
  prune_blobs(now_s);
}

void OwnFolder::prune_blobs(int64_t now_s) const {
  const auto used = used_digests(*this);
  for (const fs::path& path : paths_in(blobs_folder())) {
    const std::string name = path.filename().string();
    const auto digest = Digest::parse(name, '-');
    const bool is_unused = digest && used && !used->contains(*digest);
    if (name.ends_with(kTemporary) || ((name.ends_with(kPartial) || is_unused) && is_old(path, now_s))) {
      remove_unlocked(path.string());
    }
  }
}

void require_space(const OwnFolder& folder, std::string_view what, uint64_t n_bytes) {
  const uint64_t n_free = system::free_bytes(folder.path());
  if (n_free >= n_bytes) return;
  fail_with(ErrorCode::kNoSpace, what, ": needs ", n_bytes, " bytes of disk, ", n_free, " are free at ", folder.path(),
            "; make room there, or name another place with --home");
}

}  // namespace kinglet::store
