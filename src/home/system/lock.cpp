#include "home/system/lock.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "core/base/base.h"

namespace kinglet::system {
namespace {

constexpr auto kAskAgain = std::chrono::milliseconds(50);

int flag_of(LockMode mode) noexcept { return mode == LockMode::kShared ? LOCK_SH : LOCK_EX; }

[[noreturn]] void fail_lock(int error_number) {
  fail_with(ErrorCode::kIo, "a lock on a file cannot be taken: ", std::strerror(error_number),
            "; the folder has to lie on a file system with locks");
}

}  // namespace

bool try_lock(const FileDescriptor& file, LockMode mode) {
  while (::flock(file.get(), flag_of(mode) | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) fail_lock(errno);
  }
  return true;
}

bool lock(const FileDescriptor& file, LockMode mode, const std::function<bool()>& keep_waiting) {
  if (!keep_waiting) {
    while (::flock(file.get(), flag_of(mode)) != 0) {
      if (errno != EINTR) fail_lock(errno);
    }
    return true;
  }
  while (!try_lock(file, mode)) {
    if (!keep_waiting()) return false;
    std::this_thread::sleep_for(kAskAgain);
  }
  return true;
}

bool still_named(const FileDescriptor& file, const std::string& path) {
  struct stat open_file{};
  struct stat named{};
  return ::fstat(file.get(), &open_file) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

}  // namespace kinglet::system
