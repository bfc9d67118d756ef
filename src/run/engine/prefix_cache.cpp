#include "run/engine/prefix_cache.h"

#include <algorithm>
#include <utility>

namespace kinglet::engine {

using kernels::kPageTokens;

namespace {

std::span<const int32_t> page_of(std::span<const int32_t> tokens, size_t page_idx) {
  return tokens.subspan(page_idx * kPageTokens, kPageTokens);
}

}  // namespace

// Whether the path's end can be gone on from.
bool PrefixCache::is_end(std::span<Node* const> path) const noexcept {
  if (pools_.states && path.back()->state == kNoPage) return false;
  for (size_t g = 0; g < pools_.groups.size(); ++g) {
    const graph::KvGroup& group = pools_.layout.groups[g];
    const size_t n = group.window == 0 ? path.size() : std::min(path.size(), group.pages_before());
    for (const Node* node : path.last(n)) {
      if (node->pages[g] == kNoPage) return false;
    }
  }
  return true;
}

void PrefixCache::touch(std::span<Node* const> path) {
  ++clock_;
  for (Node* node : path) node->last_use = clock_;
  size_t reach = 1;
  for (const graph::KvGroup& group : pools_.layout.groups) {
    if (group.window > 0) reach = std::max(reach, group.pages_before());
  }
  for (Node* node : path.last(std::min(reach, path.size()))) node->last_end = clock_;
}

Prefix PrefixCache::find(size_t variant, std::span<const int32_t> tokens) {
  Prefix prefix{.pages = std::vector<std::vector<PageId>>(pools_.groups.size())};
  const auto root = roots_.find(variant);
  if (root == roots_.end()) return prefix;
  std::vector<Node*> nodes;
  for (Node* node = &root->second; (nodes.size() + 1) * kPageTokens <= tokens.size(); nodes.push_back(node)) {
    const auto child = node->children.find(page_of(tokens, nodes.size()));
    if (child == node->children.end()) break;
    node = child->second.get();
  }
  std::span<Node* const> path(nodes);
  while (!path.empty() && !is_end(path)) path = path.first(path.size() - 1);
  if (path.empty()) return prefix;
  touch(path);
  prefix.n_pages = path.size();
  for (size_t g = 0; g < pools_.groups.size(); ++g) {
    const graph::KvGroup& group = pools_.layout.groups[g];
    const size_t n = group.window == 0 ? path.size() : std::min(path.size(), group.pages_before());
    prefix.pages[g].resize(path.size(), kNoPage);
    for (size_t i = path.size() - n; i < path.size(); ++i) prefix.pages[g][i] = path[i]->pages[g];
  }
  prefix.state = path.back()->state;
  // At the end, where nothing can fail any more.
  for (size_t g = 0; g < pools_.groups.size(); ++g) {
    for (const PageId page : prefix.pages[g]) {
      if (page != kNoPage) pools_.groups[g].add_reference(page);
    }
  }
  if (prefix.state != kNoPage) pools_.states->add_reference(prefix.state);
  return prefix;
}

void PrefixCache::insert(size_t variant, std::span<const int32_t> tokens, std::span<std::vector<PageId>> pages,
                         PageId state) {
  const size_t n = tokens.size() / kPageTokens;
  std::vector<Node*> path;
  path.reserve(n);
  Node* node = &roots_[variant];
  for (size_t i = 0; i < n; ++i) {
    const std::span<const int32_t> key = page_of(tokens, i);
    auto place = node->children.find(key);
    if (place == node->children.end()) {
      auto child = std::make_unique<Node>();
      child->pages.resize(pools_.groups.size(), kNoPage);
      child->parent = node;
      place = node->children.emplace(std::vector(key.begin(), key.end()), std::move(child)).first;
      ++n_nodes_;
    }
    node = place->second.get();
    path.push_back(node);
    for (size_t g = 0; g < pools_.groups.size(); ++g) {
      PageId& own = pages[g][i];
      PageId& known = node->pages[g];
      if (own == kNoPage || own == known) continue;
      if (known == kNoPage) {
        known = own;
        pools_.groups[g].add_reference(own);
      } else {
        pools_.groups[g].add_reference(known);
        pools_.groups[g].release(own);
        own = known;
      }
    }
  }
  if (node->state == kNoPage && state != kNoPage) {
    node->state = state;
    pools_.states->add_reference(state);
  }
  touch(path);
}

// By hand: a long text is a chain that is as deep.
template <class Use>
void PrefixCache::for_each(const Use& use) {
  open_.clear();
  for (auto& [variant, root] : roots_) open_.push_back(&root);
  while (!open_.empty()) {
    Node* node = open_.back();
    open_.pop_back();
    for (auto& [key, child] : node->children) open_.push_back(child.get());
    if (node->parent != nullptr) use(*node);
  }
}

void PrefixCache::release(Node& node) noexcept {
  for (size_t g = 0; g < node.pages.size(); ++g) {
    if (node.pages[g] != kNoPage) pools_.groups[g].release(node.pages[g]);
  }
  if (node.state != kNoPage) pools_.states->release(node.state);
  --n_nodes_;
}

// Of a root that has nothing below it any more nothing is kept.
void PrefixCache::remove(Node& leaf) {
  Node* parent = leaf.parent;
  release(leaf);
  std::erase_if(parent->children, [&](const auto& entry) { return entry.second.get() == &leaf; });
  if (parent->parent != nullptr || !parent->children.empty()) return;
  std::erase_if(roots_, [&](const auto& entry) { return &entry.second == parent; });
}

bool PrefixCache::is_evictable(const Node& node, size_t group_idx) const noexcept {
  return node.children.empty() && pools_.groups[group_idx].references(node.pages[group_idx]) == 1;
}

void PrefixCache::evict_until(size_t group_idx, size_t n_free) {
  if (pools_.groups[group_idx].n_free() >= n_free) return;
  if (pools_.layout.groups[group_idx].window == 0) {
    evict_leaves(group_idx, n_free);
  } else {
    const auto page_of = [&](Node& node) -> PageId& { return node.pages[group_idx]; };
    evict_singly(pools_.groups[group_idx], page_of, n_free);
  }
}

void PrefixCache::evict_states_until(size_t n_free) {
  if (pools_.states->n_free() < n_free) {
    evict_singly(*pools_.states, [](Node& node) -> PageId& { return node.state; }, n_free);
  }
}

// One walk over all of them, however many have to go.
void PrefixCache::evict_leaves(size_t group_idx, size_t n_free) {
  const auto is_younger = [](const Node* a, const Node* b) { return a->last_use > b->last_use; };
  found_.clear();
  for_each([&](Node& node) {
    if (is_evictable(node, group_idx)) found_.push_back(&node);
  });
  std::ranges::make_heap(found_, is_younger);
  while (pools_.groups[group_idx].n_free() < n_free && !found_.empty()) {
    std::ranges::pop_heap(found_, is_younger);
    Node* leaf = found_.back();
    found_.pop_back();
    Node* parent = leaf->parent->parent == nullptr ? nullptr : leaf->parent;
    n_evicted_ += pools_.groups.size() - static_cast<size_t>(std::ranges::count(leaf->pages, kNoPage));
    remove(*leaf);
    if (parent == nullptr || !is_evictable(*parent, group_idx)) continue;
    found_.push_back(parent);
    std::ranges::push_heap(found_, is_younger);
  }
}

template <class PageOf>
void PrefixCache::evict_singly(PagePool& pool, const PageOf& page_of, size_t n_free) {
  found_.clear();
  for_each([&](Node& node) {
    if (page_of(node) != kNoPage && pool.references(page_of(node)) == 1) found_.push_back(&node);
  });
  std::ranges::sort(found_, {}, &Node::last_end);
  for (Node* node : found_) {
    if (pool.n_free() >= n_free) break;
    pool.release(std::exchange(page_of(*node), kNoPage));
    ++n_evicted_;
    // What has nothing left but its tokens goes, and what stood above it alone.
    const auto is_empty = [](const Node& of) {
      return of.parent != nullptr && of.children.empty() && of.state == kNoPage &&
             std::ranges::all_of(of.pages, [](PageId page) { return page == kNoPage; });
    };
    while (is_empty(*node)) {
      Node* parent = node->parent;
      const bool is_top = parent->parent == nullptr;
      remove(*node);
      if (is_top) break;
      node = parent;
    }
  }
}

void PrefixCache::clear() {
  // Children first, by hand: a long chain of pages must not end in deep recursion of destructors.
  std::vector<std::unique_ptr<Node>> open;
  const auto take_children = [&](Node& node) {
    for (auto& [key, child] : node.children) open.push_back(std::move(child));
    node.children.clear();
  };
  for (auto& [variant, root] : roots_) take_children(root);
  while (!open.empty()) {
    const std::unique_ptr<Node> node = std::move(open.back());
    open.pop_back();
    take_children(*node);
    release(*node);
  }
  roots_.clear();
}

}  // namespace kinglet::engine
