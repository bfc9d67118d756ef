#include "run/engine/kv_pool.h"

namespace kinglet::engine {
namespace {

size_t pool_bytes(const graph::KvLayout& layout, size_t n_pages) {
  const auto bytes = checked_mul<size_t>(2 * layout.page_bytes, n_pages);
  if (!bytes) fail_with(ErrorCode::kOutOfMemory, "memory: needs ", n_pages, " times ", 2 * layout.page_bytes, " bytes");
  return *bytes;
}

}  // namespace

KvPool::KvPool(const graph::KvLayout& layout, size_t n_pages)
    : page_bytes_(layout.page_bytes),
      memory_(tensor::Buffer::uninitialized(pool_bytes(layout, n_pages))),
      references_(n_pages, 0) {
  free_.reserve(n_pages);
  for (size_t i = n_pages; i-- > 0;) free_.push_back(static_cast<PageId>(i));
}

bool KvPool::allocate(PageId& page) noexcept {
  if (free_.empty()) return false;
  page = free_.back();
  free_.pop_back();
  references_[page] = 1;
  return true;
}

void KvPool::add_reference(PageId page) noexcept {
  KINGLET_DCHECK(references_[page] > 0, "only a page in use is shared");
  ++references_[page];
}

void KvPool::release(PageId page) noexcept {
  KINGLET_DCHECK(references_[page] > 0, "a page is released as often as it is referenced");
  if (--references_[page] == 0) free_.push_back(page);
}

}  // namespace kinglet::engine
