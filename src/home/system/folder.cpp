#include "home/system/folder.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <filesystem>

#include "core/base/base.h"
#include "home/system/file.h"

namespace kinglet::system {
namespace {

namespace fs = std::filesystem;

void make(const fs::path& folder) {
  if (folder.empty() || fs::is_directory(folder)) return;
  make(folder.parent_path());
  if (::mkdir(folder.c_str(), 0700) == 0) {
    const fs::path parent = folder.parent_path();
    sync_folder(parent.empty() ? "." : parent.string());
  } else if (errno != EEXIST) {  // another process may have been quicker
    fail_write(folder.string(), errno);
  }
}

}  // namespace

void make_folders(const std::string& folder) {
  const fs::path path(folder);
  // "a/b/" has an empty last part.
  make(path.has_filename() ? path : path.parent_path());
  if (!fs::is_directory(path)) fail_with(ErrorCode::kIo, folder, ": is no folder");
}

uint64_t free_bytes(const std::string& folder) {
  std::error_code ignored;
  fs::path path = fs::absolute(folder, ignored);
  while (!fs::exists(path, ignored) && path.has_parent_path() && path != path.parent_path()) path = path.parent_path();
  struct statvfs facts{};
  if (::statvfs(path.c_str(), &facts) != 0) return UINT64_MAX;  // unknown is no reason to refuse
  return checked_mul<uint64_t>(facts.f_bavail, facts.f_frsize).value_or(UINT64_MAX);
}

std::optional<PathFacts> facts_of(const std::string& path) {
  struct stat facts{};
  if (::stat(path.c_str(), &facts) != 0) return std::nullopt;
  return PathFacts{S_ISDIR(facts.st_mode), S_ISREG(facts.st_mode), static_cast<uint64_t>(facts.st_size),
                   static_cast<int64_t>(facts.st_mtime), static_cast<int64_t>(facts.st_ctime)};
}

}  // namespace kinglet::system
