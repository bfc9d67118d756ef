#include "run/engine/page_pool.h"

namespace kinglet::engine {

PagePool::PagePool(size_t page_bytes, size_t n_pages) : page_bytes_(page_bytes), references_(n_pages, 0) {
  const auto bytes = checked_mul<size_t>(page_bytes_, n_pages);
  if (!bytes) fail_with(ErrorCode::kOutOfMemory, "memory: needs ", n_pages, " times ", page_bytes_, " bytes");
  memory_ = tensor::Buffer::uninitialized(*bytes);
  free_.reserve(n_pages);
  for (size_t i = n_pages; i-- > 0;) free_.push_back(static_cast<PageId>(i));
}

bool PagePool::allocate(PageId& page) noexcept {
  if (free_.empty()) return false;
  page = free_.back();
  free_.pop_back();
  references_[page] = 1;
  return true;
}

void PagePool::add_reference(PageId page) noexcept {
  KINGLET_DCHECK(references_[page] > 0, "only a page in use is shared");
  ++references_[page];
}

void PagePool::release(PageId page) noexcept {
  KINGLET_DCHECK(references_[page] > 0, "a page is released as often as it is referenced");
  if (--references_[page] == 0) free_.push_back(page);
}

}  // namespace kinglet::engine
