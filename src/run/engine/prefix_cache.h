// Beginnings of texts that have been computed, found again by their tokens: a radix tree whose edges are whole pages of
// token ids.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "run/engine/paged_memory.h"

namespace kinglet::engine {

/// Keeps a reference to each page in it. What it knows is of one engine (model, adapters, KV type) and by rope variant:
/// different ones share nothing. A beginning can be gone on from where all is there that the next row needs: pages of
/// groups without a window from the start, of those with one the last window's, and the state.
///
/// Eviction takes what was used longest ago: of groups without a window the page of a node that has nothing below it,
/// and all that the node has; pages of windows and states singly. Used by the engine's thread alone.
class PrefixCache {
 public:
  explicit PrefixCache(Pools& pools) : pools_(pools) {}
  ~PrefixCache() { clear(); }
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  /// The longest known beginning of `tokens` that can be gone on from; the caller gets a reference to each of its pages
  /// and to its state.
  Prefix find(size_t variant, std::span<const int32_t> tokens);

  /// Takes in the pages of a sequence (by group; kNoPage where it has none any more) that hold `tokens`, whole pages of
  /// them, and the state after them (kNoPage: none). For a page that is known already the caller gets a reference to
  /// that one in place of its own, which has the same bits: so whoever holds a page holds those before it.
  void insert(size_t variant, std::span<const int32_t> tokens, std::span<std::vector<PageId>> pages, PageId state);

  /// Gives back pages until `n_free` of the group are free in the pool or nothing is left that only the cache holds.
  void evict_until(size_t group_idx, size_t n_free);
  void evict_states_until(size_t n_free);

  void clear();
  /// Whether anything of a variant is.
  [[nodiscard]] bool knows(size_t variant) const { return roots_.contains(variant); }
  /// Pages of tokens that are known.
  [[nodiscard]] size_t n_pages() const noexcept { return n_nodes_; }
  /// Pages of keys and values that it gave back for others, since it began.
  [[nodiscard]] size_t n_evicted() const noexcept { return n_evicted_; }

 private:
  // Finds a page of tokens in a text, without a copy.
  struct PageOrder {
    using is_transparent = void;
    bool operator()(std::span<const int32_t> a, std::span<const int32_t> b) const noexcept {
      return std::ranges::lexicographical_compare(a, b);
    }
  };
  struct Node {
    std::vector<PageId> pages;  // by group
    PageId state = kNoPage;
    uint64_t last_use = 0;
    uint64_t last_end = 0;  // when something ended here or less than a window further on
    Node* parent = nullptr;
    std::map<std::vector<int32_t>, std::unique_ptr<Node>, PageOrder> children;
  };

  [[nodiscard]] bool is_end(std::span<Node* const> path) const noexcept;
  void touch(std::span<Node* const> path);
  // A leaf whose page of a group without a window nobody else holds.
  [[nodiscard]] bool is_evictable(const Node& node, size_t group_idx) const noexcept;
  void evict_leaves(size_t group_idx, size_t n_free);
  template <class PageOf>
  void evict_singly(PagePool& pool, const PageOf& page_of, size_t n_free);
  void release(Node& node) noexcept;
  void remove(Node& leaf);
  template <class Use>
  void for_each(const Use& use);

  Pools& pools_;
  std::map<size_t, Node> roots_;  // by variant
  uint64_t clock_ = 0;
  size_t n_nodes_ = 0;
  size_t n_evicted_ = 0;
  // Lists of walks and evictions, kept so that those take no memory each time.
  std::vector<Node*> open_;
  std::vector<Node*> found_;
};

}  // namespace kinglet::engine
