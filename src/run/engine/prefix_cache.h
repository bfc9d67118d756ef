// Finished pages, found again by the tokens that they hold: a radix tree whose edges are whole pages of token ids.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "run/engine/kv_pool.h"

namespace kinglet::engine {

/// Keeps a reference to each page in it. Pages of one tree belong to one context (model, adapters, rope variant, KV
/// type): an engine has a tree for each. Eviction takes the page that was used longest ago and has nothing below it.
/// Used by the engine's thread alone.
class PrefixCache {
 public:
  explicit PrefixCache(KvPool& pool) : pool_(pool) {}
  ~PrefixCache() { clear(); }
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  /// The pages that hold the longest known beginning of `tokens`, whole pages only; each gets a reference for the
  /// caller.
  std::vector<PageId> find(std::span<const int32_t> tokens);

  /// Takes in the pages of a sequence: page i holds tokens [i n, (i + 1) n), n = kPageTokens. Only whole pages are
  /// kept; of pages that are known already the older one stays.
  void insert(std::span<const int32_t> tokens, std::span<const PageId> pages);

  /// Gives back pages until `n_free` are free in the pool or nothing is left that only the cache holds.
  void evict_until(size_t n_free);

  void clear();
  [[nodiscard]] size_t n_pages() const noexcept { return n_pages_; }

 private:
  struct Node {
    PageId page = 0;
    uint64_t last_use = 0;
    Node* parent = nullptr;
    std::map<std::vector<int32_t>, std::unique_ptr<Node>> children;
  };

  // A leaf whose page nobody else holds.
  [[nodiscard]] bool is_evictable(const Node& node) const noexcept;
  void remove(Node& leaf);

  KvPool& pool_;
  Node root_;
  uint64_t clock_ = 0;
  size_t n_pages_ = 0;
};

}  // namespace kinglet::engine
