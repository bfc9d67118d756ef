// Memory in pages of one size with reference counts: keys and values of a group of layers, or states of sequences.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/base.h"
#include "core/tensor/tensor.h"

namespace kinglet::engine {

using PageId = uint32_t;
/// In lists of pages: there is none.
inline constexpr PageId kNoPage = UINT32_MAX;

/// A fixed number of pages. The memory is reserved at once and becomes resident as it is used. Used by the engine's
/// thread alone.
class PagePool {
 public:
  /// Throws Error{kOutOfMemory} with the number of bytes.
  PagePool(size_t page_bytes, size_t n_pages);

  /// A page with one reference; false where none is free.
  [[nodiscard]] bool allocate(PageId& page) noexcept;
  void add_reference(PageId page) noexcept;
  /// Drops one reference; at none the page is free again.
  void release(PageId page) noexcept;

  [[nodiscard]] size_t n_free() const noexcept { return free_.size(); }
  [[nodiscard]] size_t n_pages() const noexcept { return references_.size(); }
  [[nodiscard]] uint32_t references(PageId page) const noexcept { return references_[page]; }
  [[nodiscard]] std::byte* bytes(PageId page) noexcept { return memory_.data() + page * page_bytes_; }
  [[nodiscard]] size_t page_bytes() const noexcept { return page_bytes_; }
  [[nodiscard]] size_t size_bytes() const noexcept { return memory_.size_bytes(); }

 private:
  size_t page_bytes_;
  tensor::Buffer memory_;
  std::vector<uint32_t> references_;
  std::vector<PageId> free_;  // the last one is taken first
};

}  // namespace kinglet::engine
