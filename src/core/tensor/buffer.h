// Owned memory, aligned for the widest vector.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace kinglet::tensor {

/// Alignment of buffers and of planned values inside an arena, in bytes: a cache line, and the widest vector register.
inline constexpr size_t kAlignment = 64;

/// A block of memory. Move-only. The only place of the core that allocates large memory.
class Buffer {
 public:
  Buffer() = default;
  /// Zeroed. Throws Error{kOutOfMemory} with the number of bytes when the system has no room.
  explicit Buffer(size_t size_bytes);

  /// As the constructor, without zeroing: large memory then becomes resident only as it is used.
  static Buffer uninitialized(size_t size_bytes);

  [[nodiscard]] std::byte* data() noexcept { return data_.get(); }
  [[nodiscard]] const std::byte* data() const noexcept { return data_.get(); }
  [[nodiscard]] size_t size_bytes() const noexcept { return size_bytes_; }

  /// The memory as elements of T from a byte offset that is a multiple of alignof(T).
  template <class T>
  [[nodiscard]] T* at(size_t offset_bytes = 0) noexcept {
    return reinterpret_cast<T*>(data_.get() + offset_bytes);
  }

 private:
  struct Release {
    void operator()(std::byte* memory) const noexcept;
  };
  std::unique_ptr<std::byte, Release> data_;
  size_t size_bytes_ = 0;
};

}  // namespace kinglet::tensor
