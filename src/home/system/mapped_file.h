// A file read through the page cache, without a copy.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace kinglet::system {

/// A regular file mapped read-only. Move-only; the bytes live as long as the object. A file that somebody shortens
/// while it is mapped ends the process at the next read behind its end: files in our store are never changed in place.
class MappedFile {
 public:
  /// Throws Error{kNotFound} for a path that is not there, kInvalidFile for one that is no regular file, kIo otherwise.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  /// Gives back the memory that reading a part of bytes() took; the next read takes it again.
  void release(std::span<const std::byte> part) const noexcept;

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace kinglet::system
