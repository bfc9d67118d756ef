// Locks between processes: flock on a file. A lock ends with the descriptor, so also when its process is killed.
#pragma once

#include <functional>
#include <string>

#include "home/system/file.h"

namespace kinglet::system {

enum class LockMode { kShared, kExclusive };

/// Takes the lock if nobody is in the way. Threads that opened the file themselves are in each other's way, too.
/// Throws Error{kIo} where the file system has no locks.
[[nodiscard]] bool try_lock(const FileDescriptor& file, LockMode mode);

/// Waits for the lock, and asks `keep_waiting` twenty times a second; false where that said no.
bool lock(const FileDescriptor& file, LockMode mode, const std::function<bool()>& keep_waiting = {});

/// Whether the path still names this open file: not after a rename or a removal.
[[nodiscard]] bool still_named(const FileDescriptor& file, const std::string& path);

/// A lock file, held for a scope. The file stays: removing it would let two holders in.
class FileLock {
 public:
  /// Opens (and makes) the file and waits. Throws Error{kIo or kNoSpace}.
  FileLock(const std::string& path, LockMode mode) : file_(open_or_make(path)) { lock(file_, mode); }

 private:
  FileDescriptor file_;
};

}  // namespace kinglet::system
