#include "home/system/file.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/fs.h>
#endif

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

FileDescriptor open_or_make(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (file.get() < 0) fail_write(path, errno);
  return file;
}

FileDescriptor open_for_writing(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0) fail_write(path, errno);
  return file;
}

std::string read_file(const std::string& path, uint64_t max_bytes) {
  const FileDescriptor file = open_for_reading(path);
  std::string content;
  char piece[1 << 16];
  for (;;) {
    const ssize_t n = ::read(file.get(), piece, sizeof(piece));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EISDIR) fail_with(ErrorCode::kInvalidArgument, path, ": is a directory, expected a file");
    if (n < 0) fail_with(ErrorCode::kIo, path, ": cannot be read: ", std::strerror(errno));
    if (n == 0) return content;
    content.append(piece, static_cast<size_t>(n));
    if (content.size() > max_bytes) {
      fail_with(ErrorCode::kInvalidArgument, path, ": longer than ", max_bytes, " bytes");
    }
  }
}

std::string read_small_file(const std::string& path) {
  try {
    return read_file(path, 1 << 16);
  } catch (const Error&) {
    return {};
  }
}

void write_file(const std::string& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

NewFile make_temporary(const std::string& start) {
  static std::atomic<uint32_t> counter{0};
  for (;;) {
    std::string path = str(start, ".", ::getpid(), "-", counter.fetch_add(1), ".part");
    FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (file.get() >= 0) return {std::move(path), std::move(file)};
    if (errno != EEXIST) fail_write(path, errno);
  }
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)), temporary_(make_temporary(path_)) {}

AtomicFile::~AtomicFile() {
  if (!committed_) ::unlink(temporary_.path.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  write_all(temporary_.file, bytes, path_);
  size_ += bytes.size();
}

void AtomicFile::write(std::string_view chars) { write(std::as_bytes(std::span(chars.data(), chars.size()))); }

void AtomicFile::commit() {
  publish(temporary_.file, temporary_.path, path_);
  committed_ = true;
}

void write_all(const FileDescriptor& file, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_write(path, errno);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

void read_all(const FileDescriptor& file, const std::string& path,
              const std::function<void(std::span<const std::byte>)>& sink) {
  std::vector<std::byte> piece(size_t{1} << 18);
  off_t at = 0;
  for (;;) {
    const ssize_t n = ::pread(file.get(), piece.data(), piece.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_with(ErrorCode::kIo, path, ": cannot be read: ", std::strerror(errno));
    if (n == 0) return;
    at += n;
    sink(std::span(piece).first(static_cast<size_t>(n)));
  }
}

void set_size(const FileDescriptor& file, uint64_t size, const std::string& path) {
  const auto end = static_cast<off_t>(size);
  if (::ftruncate(file.get(), end) != 0 || ::lseek(file.get(), end, SEEK_SET) < 0) fail_write(path, errno);
}

void publish(const FileDescriptor& file, const std::string& temporary, const std::string& path) {
  if (::fsync(file.get()) != 0) fail_write(path, errno);
  if (::rename(temporary.c_str(), path.c_str()) != 0) fail_write(path, errno);
  const auto parent = std::filesystem::path(path).parent_path();
  sync_folder(parent.empty() ? "." : parent.string());
}

bool share_file(const std::string& from, const std::string& to, Content content) {
  const FileDescriptor source = open_for_reading(from);
  struct stat facts{};
  if (::fstat(source.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) return false;
#if defined(FICLONE)
  {
    const FileDescriptor target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (target.get() < 0) return false;
    if (::ioctl(target.get(), FICLONE, source.get()) == 0) return true;
    ::unlink(to.c_str());
  }
#endif
  if (content == Content::kMayChange) return false;
  return facts.st_uid == ::geteuid() && ::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

void sync_folder(const std::string& folder) {
  const FileDescriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.get() < 0 || ::fsync(file.get()) != 0) fail_write(folder, errno);
}

}  // namespace kinglet::system
