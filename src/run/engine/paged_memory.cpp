#include "run/engine/paged_memory.h"

#include <algorithm>
#include <cstring>

#include "run/engine/prefix_cache.h"

namespace kinglet::engine {

using kernels::kPageTokens;

Pools::Pools(const graph::SequenceLayout& of, const Sizes& sizes) : layout(of) {
  for (const graph::KvGroup& group : of.groups) {
    const size_t of_sequence = group.pages_for(sizes.context_len, sizes.step);
    const size_t all = (sizes.context_len + kPageTokens - 1) / kPageTokens;
    const size_t n = group.window == 0 ? all : std::min(all, of_sequence + kKept * group.pages_before());
    groups.emplace_back(2 * group.page_bytes, n * sizes.max_sequences);
  }
  // Each sequence has its own and the one that it keeps.
  if (of.state_bytes > 0) states.emplace(of.state_bytes, (2 + kKept) * sizes.max_sequences);
}

size_t Pools::size_bytes() const noexcept {
  size_t bytes = states ? states->size_bytes() : 0;
  for (const PagePool& group : groups) bytes += group.size_bytes();
  return bytes;
}

// The other constructor has ended when this one begins its work, so that the destructor gives back what there is when
// it fails.
PagedMemory::PagedMemory(Pools& pools, PrefixCache& cache, size_t variant, std::span<const int32_t> tokens,
                         size_t max_tokens)
    : PagedMemory(pools, cache) {
  const size_t n_pages = (max_tokens + kPageTokens - 1) / kPageTokens;
  const size_t n_groups = pools_.groups.size();
  held_.resize(n_groups);
  first_.resize(n_groups, 0);
  keys_.resize(n_groups);
  values_.resize(n_groups);
  for (size_t g = 0; g < n_groups; ++g) {
    held_[g].reserve(n_pages);
    keys_[g].resize(n_pages, nullptr);
    values_[g].resize(n_pages, nullptr);
    views_.push_back({keys_[g].data(), values_[g].data()});
  }
  const Prefix known = cache_.find(variant, tokens);
  kept_state_ = known.state;
  kept_at_ = n_known_ = known.n_pages * kPageTokens;
  for (size_t g = 0; g < n_groups; ++g) {
    held_[g].insert(held_[g].end(), known.pages[g].begin(), known.pages[g].end());
    while (first_[g] < held_[g].size() && held_[g][first_[g]] == kNoPage) ++first_[g];
    for (size_t i = first_[g]; i < held_[g].size(); ++i) place(g, i);
  }
  if (!pools_.states) return;
  state_ = new_state();
  const size_t bytes = pools_.states->page_bytes();
  if (kept_state_ == kNoPage) {
    std::memset(state(), 0, bytes);
  } else {
    std::memcpy(state(), pools_.states->bytes(kept_state_), bytes);
  }
}

PagedMemory::~PagedMemory() {
  for (size_t g = 0; g < held_.size(); ++g) {
    for (const PageId page : held_[g]) {
      if (page != kNoPage) pools_.groups[g].release(page);
    }
  }
  for (const PageId state : {state_, kept_state_}) {
    if (state != kNoPage) pools_.states->release(state);
  }
}

void PagedMemory::place(size_t g, size_t i) noexcept {
  std::byte* page = held_[g][i] == kNoPage ? nullptr : pools_.groups[g].bytes(held_[g][i]);
  keys_[g][i] = page;
  values_[g][i] = page == nullptr ? nullptr : page + pools_.layout.groups[g].page_bytes;
}

PageId PagedMemory::new_state() {
  cache_.evict_states_until(1);
  PageId state = kNoPage;
  KINGLET_CHECK(pools_.states->allocate(state), "sequences hold fewer states than there are");
  return state;
}

void PagedMemory::advance(size_t n_past, size_t n_rows) {
  for (size_t g = 0; g < held_.size(); ++g) {
    const graph::KvGroup& group = pools_.layout.groups[g];
    const size_t whole = n_past / kPageTokens;
    const size_t needed = group.window == 0 ? 0 : whole - std::min(whole, group.pages_before());
    for (size_t& i = first_[g]; i < std::min(needed, held_[g].size()); ++i) {
      pools_.groups[g].release(held_[g][i]);
      held_[g][i] = kNoPage;
      place(g, i);
    }
    const size_t n_pages = (n_past + n_rows + kPageTokens - 1) / kPageTokens;
    take_pages(g, n_pages);
  }
}

// Until it has so many.
void PagedMemory::take_pages(size_t g, size_t n_pages) {
  if (n_pages <= held_[g].size()) return;
  cache_.evict_until(g, n_pages - held_[g].size());
  while (held_[g].size() < n_pages) {
    PageId page = kNoPage;
    KINGLET_CHECK(pools_.groups[g].allocate(page), "sequences hold fewer pages than there are");
    held_[g].push_back(page);
    place(g, held_[g].size() - 1);
  }
}

void PagedMemory::begin_at(size_t n_tokens) {
  const size_t n_pages = n_tokens / kPageTokens;
  for (size_t g = 0; g < held_.size(); ++g) {
    const graph::KvGroup& group = pools_.layout.groups[g];
    first_[g] = group.window == 0 ? 0 : n_pages - std::min(n_pages, group.pages_before());
    held_[g].assign(first_[g], kNoPage);
    take_pages(g, n_pages);
  }
  keep_state(n_tokens);
}

std::span<std::byte> PagedMemory::page(size_t g, size_t i) noexcept {
  return {pools_.groups[g].bytes(held_[g][i]), pools_.groups[g].page_bytes()};
}

std::span<std::byte> PagedMemory::kept_state() noexcept {
  if (kept_state_ == kNoPage) return {};
  return {pools_.states->bytes(kept_state_), pools_.states->page_bytes()};
}

void PagedMemory::keep_state(size_t n_tokens) {
  if (!pools_.states) return;
  // One that the cache has taken in stays as it is.
  if (kept_state_ == kNoPage || pools_.states->references(kept_state_) > 1) {
    const PageId fresh = new_state();
    if (kept_state_ != kNoPage) pools_.states->release(kept_state_);
    kept_state_ = fresh;
  }
  std::memcpy(pools_.states->bytes(kept_state_), state(), pools_.states->page_bytes());
  kept_at_ = n_tokens;
}

void PagedMemory::share(size_t variant, std::span<const int32_t> tokens) {
  const size_t n_tokens = pools_.states ? std::min(kept_at_, tokens.size()) : tokens.size();
  const size_t n_pages = n_tokens / kPageTokens;
  if (n_pages == 0) return;
  cache_.insert(variant, tokens.first(n_pages * kPageTokens), held_, kept_state_);
  for (size_t g = 0; g < held_.size(); ++g) {
    for (size_t i = first_[g]; i < n_pages; ++i) place(g, i);
  }
}

size_t PagedMemory::n_held(size_t group_idx) const noexcept { return held_[group_idx].size() - first_[group_idx]; }

}  // namespace kinglet::engine
