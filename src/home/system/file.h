// Files: open, read, and write so that a crash leaves either the old or the new one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kinglet::system {

/// Owns a file descriptor. Move-only.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) noexcept : fd_(fd) {}
  ~FileDescriptor();
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  [[nodiscard]] int get() const noexcept { return fd_; }
  /// Gives it away: the caller closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

/// Throws Error{kNotFound} where nothing is at the path, kIo otherwise.
FileDescriptor open_for_reading(const std::string& path);

/// Opens for reading and writing, makes the file where there is none; never follows a link in the last part of the
/// path. Throws Error{kNoSpace or kIo}.
FileDescriptor open_or_make(const std::string& path);

/// Opens what is there already for writing: a pipe or a device, which cannot be replaced. Throws Error{kIo}.
FileDescriptor open_for_writing(const std::string& path);

/// The whole content. Throws as open_for_reading, and Error{kInvalidArgument} where it is longer than max_bytes or a
/// directory.
std::string read_file(const std::string& path, uint64_t max_bytes);

/// The content of a file of at most 64 KiB; empty where it cannot be read, for what the system or the user may not
/// have.
std::string read_small_file(const std::string& path);

/// Writes to a temporary name beside it, syncs, renames, syncs the folder. Throws Error{kNoSpace or kIo}.
void write_file(const std::string& path, std::string_view content);

/// A file that was not there before, for its maker alone.
struct NewFile {
  std::string path;
  FileDescriptor file;
};

/// Makes an empty file START.N-M.part, N the process's number and M the first one that nobody has, so that neither what
/// a killed process left nor a process of the same number (in another container) is in its way. Throws Error{kIo or
/// kNoSpace}.
NewFile make_temporary(const std::string& start);

/// A file that appears under its name only when it is complete.
class AtomicFile {
 public:
  /// Opens a temporary file beside `path`. Throws Error{kIo or kNoSpace}.
  explicit AtomicFile(std::string path);
  /// Removes the temporary file unless commit() was called.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view chars);
  [[nodiscard]] uint64_t size() const noexcept { return size_; }
  /// Syncs and renames.
  void commit();

 private:
  std::string path_;
  NewFile temporary_;
  uint64_t size_ = 0;
  bool committed_ = false;
};

/// Writes at the descriptor's place. `path` is for messages. Throws Error{kNoSpace or kIo}.
void write_all(const FileDescriptor& file, std::span<const std::byte> bytes, const std::string& path);

/// Gives the bytes of a file from its start to the sink, in pieces. Throws Error{kIo}.
void read_all(const FileDescriptor& file, const std::string& path,
              const std::function<void(std::span<const std::byte>)>& sink);

/// Cuts or lengthens a file, and sets the place of writing to its end. Throws Error{kNoSpace or kIo}.
void set_size(const FileDescriptor& file, uint64_t size, const std::string& path);

/// Syncs an open file, gives it its final name in the same folder, syncs the folder. Throws Error{kNoSpace or kIo}.
void publish(const FileDescriptor& file, const std::string& temporary, const std::string& path);

/// What others may do to a file that we share.
enum class Content {
  kMayChange,     ///< A file of the user's.
  kNeverChanges,  ///< A blob of another store, named by its digest.
};

/// Makes a file with the bytes of another, at no cost of space: shared blocks where the file system can (each file
/// keeps its bytes when the other is changed), else, of content that never changes, a second name of the same file, if
/// it belongs to this user. False where neither can be had; then there is no file `to`.
[[nodiscard]] bool share_file(const std::string& from, const std::string& to, Content content);

/// Syncs a folder, so that names in it survive a power cut.
void sync_folder(const std::string& folder);

/// Raises the error of a failed write: kNoSpace for a full disk, else kIo.
[[noreturn]] void fail_write(const std::string& path, int error_number);

}  // namespace kinglet::system
