// Files: open, read, and write so that a crash leaves either the old or the new one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
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

 private:
  int fd_;
};

/// Throws Error{kNotFound} where nothing is at the path, kIo otherwise.
FileDescriptor open_for_reading(const std::string& path);

/// The whole content. Throws as open_for_reading, and Error{kInvalidArgument} where it is longer than max_bytes.
std::string read_file(const std::string& path, uint64_t max_bytes);

/// Writes to a temporary name beside it, syncs, renames, syncs the folder. Throws Error{kNoSpace or kIo}.
void write_file(const std::string& path, std::string_view content);

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
  std::string temporary_;
  FileDescriptor file_;
  uint64_t size_ = 0;
  bool committed_ = false;
};

/// Syncs a folder, so that names in it survive a power cut.
void sync_folder(const std::string& folder);

/// Raises the error of a failed write: kNoSpace for a full disk, else kIo.
[[noreturn]] void fail_write(const std::string& path, int error_number);

}  // namespace kinglet::system
