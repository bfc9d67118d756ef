#include "home/system/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/base.h"
#include "home/system/file.h"

namespace kinglet::system {

MappedFile::MappedFile(const std::string& path) {
  struct stat facts{};
  // Opening a pipe would wait for somebody who writes into it.
  if (::stat(path.c_str(), &facts) == 0 && S_ISFIFO(facts.st_mode)) {
    fail_with(ErrorCode::kInvalidFile, path, ": is a pipe, expected a file");
  }
  const FileDescriptor file = open_for_reading(path);
  if (::fstat(file.get(), &facts) != 0) fail_with(ErrorCode::kIo, path, ": ", std::strerror(errno));
  if (S_ISDIR(facts.st_mode)) fail_with(ErrorCode::kInvalidFile, path, ": is a directory, expected a file");
  if (!S_ISREG(facts.st_mode)) fail_with(ErrorCode::kInvalidFile, path, ": is no regular file");
  size_ = static_cast<size_t>(facts.st_size);
  if (size_ == 0) return;
  void* memory = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) fail_with(ErrorCode::kIo, path, ": cannot be mapped: ", std::strerror(errno));
  data_ = static_cast<const std::byte*>(memory);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::release(std::span<const std::byte> part) const noexcept {
  // Whole pages inside the part: a page at its edge may be a neighbour's too.
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const auto start = static_cast<size_t>(part.data() - data_);
  const size_t first = (start + page - 1) / page * page;
  const size_t end = (start + part.size()) / page * page;
  if (first < end) ::madvise(const_cast<std::byte*>(data_) + first, end - first, MADV_DONTNEED);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace kinglet::system
