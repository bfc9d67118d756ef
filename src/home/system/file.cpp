#include "home/system/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/base/base.h"

namespace kinglet::system {

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}
FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

void fail_write(const std::string& path, int error_number) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT;
  fail_with(full ? ErrorCode::kNoSpace : ErrorCode::kIo, path, ": cannot be written: ", std::strerror(error_number));
}

FileDescriptor open_for_reading(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    const ErrorCode code = errno == ENOENT || errno == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo;
    fail_with(code, path, ": ", code == ErrorCode::kNotFound ? "no such file" : std::strerror(errno));
  }
  return file;
}

std::string read_file(const std::string& path, uint64_t max_bytes) {
  const FileDescriptor file = open_for_reading(path);
  std::string content;
  char piece[1 << 16];
  for (;;) {
    const ssize_t n = ::read(file.get(), piece, sizeof(piece));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_with(ErrorCode::kIo, path, ": cannot be read: ", std::strerror(errno));
    if (n == 0) return content;
    content.append(piece, static_cast<size_t>(n));
    if (content.size() > max_bytes) {
      fail_with(ErrorCode::kInvalidArgument, path, ": longer than ", max_bytes, " bytes");
    }
  }
}

void write_file(const std::string& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  static std::atomic<uint32_t> counter{0};
  temporary_ = str(path_, ".", ::getpid(), "-", counter.fetch_add(1), ".part");
  file_ = FileDescriptor(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (file_.get() < 0) fail_write(temporary_, errno);
}

AtomicFile::~AtomicFile() {
  if (!committed_ && !temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_write(path_, errno);
    bytes = bytes.subspan(static_cast<size_t>(n));
    size_ += static_cast<uint64_t>(n);
  }
}

void AtomicFile::write(std::string_view chars) { write(std::as_bytes(std::span(chars.data(), chars.size()))); }

void AtomicFile::commit() {
  if (::fsync(file_.get()) != 0) fail_write(path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_write(path_, errno);
  committed_ = true;
  const auto parent = std::filesystem::path(path_).parent_path();
  sync_folder(parent.empty() ? "." : parent.string());
}

void sync_folder(const std::string& folder) {
  const FileDescriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.get() < 0 || ::fsync(file.get()) != 0) fail_write(folder, errno);
}

}  // namespace kinglet::system
