#include "run/engine/prefix_cache.h"

#include <algorithm>
#include <queue>
#include <utility>

namespace kinglet::engine {

using kernels::kPageTokens;

namespace {

std::vector<int32_t> page_key(std::span<const int32_t> tokens, size_t page_idx) {
  const auto part = tokens.subspan(page_idx * kPageTokens, kPageTokens);
  return {part.begin(), part.end()};
}

}  // namespace

std::vector<PageId> PrefixCache::find(std::span<const int32_t> tokens) {
  std::vector<PageId> pages;
  Node* node = &root_;
  ++clock_;
  for (size_t i = 0; (i + 1) * kPageTokens <= tokens.size(); ++i) {
    const auto child = node->children.find(page_key(tokens, i));
    if (child == node->children.end()) break;
    node = child->second.get();
    node->last_use = clock_;
    pages.push_back(node->page);
  }
  // At the end, where nothing can fail any more.
  for (const PageId page : pages) pool_.add_reference(page);
  return pages;
}

void PrefixCache::insert(std::span<const int32_t> tokens, std::span<const PageId> pages) {
  Node* node = &root_;
  ++clock_;
  const size_t n = std::min(pages.size(), tokens.size() / kPageTokens);
  for (size_t i = 0; i < n; ++i) {
    std::vector<int32_t> key = page_key(tokens, i);
    auto place = node->children.find(key);
    if (place == node->children.end()) {
      auto child = std::make_unique<Node>();
      child->page = pages[i];
      child->parent = node;
      place = node->children.emplace(std::move(key), std::move(child)).first;
      pool_.add_reference(pages[i]);
      ++n_pages_;
    }
    node = place->second.get();
    node->last_use = clock_;
  }
}

void PrefixCache::remove(Node& leaf) {
  pool_.release(leaf.page);
  --n_pages_;
  std::erase_if(leaf.parent->children, [&](const auto& entry) { return entry.second.get() == &leaf; });
}

bool PrefixCache::is_evictable(const Node& node) const noexcept {
  return &node != &root_ && node.children.empty() && pool_.references(node.page) == 1;
}

void PrefixCache::evict_until(size_t n_free) {
  if (pool_.n_free() >= n_free) return;
  // One walk over all of them, however many have to go; by hand, as a long text is a chain that is as deep.
  const auto is_younger = [](const Node* a, const Node* b) { return a->last_use > b->last_use; };
  std::priority_queue<Node*, std::vector<Node*>, decltype(is_younger)> leaves(is_younger);
  std::vector<Node*> open{&root_};
  while (!open.empty()) {
    Node* node = open.back();
    open.pop_back();
    for (auto& [key, child] : node->children) open.push_back(child.get());
    if (is_evictable(*node)) leaves.push(node);
  }
  while (pool_.n_free() < n_free && !leaves.empty()) {
    Node* leaf = leaves.top();
    Node* parent = leaf->parent;
    leaves.pop();
    remove(*leaf);
    if (is_evictable(*parent)) leaves.push(parent);
  }
}

void PrefixCache::clear() {
  // Children first, by hand: a long chain of pages must not end in deep recursion of destructors.
  std::vector<std::unique_ptr<Node>> open;
  const auto take_children = [&](Node& node) {
    for (auto& [key, child] : node.children) open.push_back(std::move(child));
    node.children.clear();
  };
  take_children(root_);
  while (!open.empty()) {
    const std::unique_ptr<Node> node = std::move(open.back());
    open.pop_back();
    take_children(*node);
    pool_.release(node->page);
  }
  n_pages_ = 0;
}

}  // namespace kinglet::engine
