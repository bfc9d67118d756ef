// Memory for keys and values, in pages with reference counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/base.h"
#include "core/graph/graph.h"
#include "core/tensor/tensor.h"

namespace kinglet::engine {

using PageId = uint32_t;

/// A fixed number of pages of kernels::kPageTokens tokens each; a page holds, for one group of layers after the other,
/// the keys, then the values. The memory is reserved at once and becomes resident as it is used. Used by the engine's
/// thread alone.
class KvPool {
 public:
  /// Throws Error{kOutOfMemory} with the number of bytes.
  KvPool(const graph::SequenceLayout& layout, size_t n_pages);

  /// A page with one reference; false where none is free.
  [[nodiscard]] bool allocate(PageId& page) noexcept;
  void add_reference(PageId page) noexcept;
  /// Drops one reference; at none the page is free again.
  void release(PageId page) noexcept;

  [[nodiscard]] size_t n_free() const noexcept { return free_.size(); }
  [[nodiscard]] size_t n_pages() const noexcept { return references_.size(); }
  [[nodiscard]] uint32_t references(PageId page) const noexcept { return references_[page]; }
  [[nodiscard]] std::byte* keys(PageId page, size_t group_idx) noexcept {
    return memory_.data() + page * page_bytes_ + groups_[group_idx].offset;
  }
  [[nodiscard]] std::byte* values(PageId page, size_t group_idx) noexcept {
    return keys(page, group_idx) + groups_[group_idx].key_bytes;
  }
  [[nodiscard]] size_t size_bytes() const noexcept { return memory_.size_bytes(); }

 private:
  struct Group {
    size_t offset;  // in a page
    size_t key_bytes;
  };
  std::vector<Group> groups_;
  size_t page_bytes_ = 0;
  tensor::Buffer memory_;
  std::vector<uint32_t> references_;
  std::vector<PageId> free_;  // the last one is taken first
};

}  // namespace kinglet::engine
