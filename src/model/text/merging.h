// Merging of neighbours, which both kinds of BPE share. Internal to model/text.
//
// Of all pairs of neighbours that may merge, the one of the lowest rank does, of equal ranks the leftmost, until none
// is left. Few symbols are searched for it directly; of many, all pairs wait in a heap, so n symbols take n log n time.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <span>
#include <vector>

namespace kinglet::text {

/// A token and the bytes [begin, end) of the text that it stands for.
struct Symbol {
  int32_t token;
  uint32_t begin;
  uint32_t end;
};

/// What two neighbours become.
struct Merge {
  static constexpr uint32_t kNever = UINT32_MAX;
  uint32_t rank = kNever;
  int32_t token = -1;
};

/// So many symbols are merged without a heap.
inline constexpr size_t kFewSymbols = 32;

/// Merge find(const Symbol& left, const Symbol& right). The result takes the front of `symbols`; returns its size. At
/// most kFewSymbols.
template <class Find>
size_t merge_few(std::span<Symbol> symbols, const Find& find) {
  size_t n = symbols.size();
  std::array<Merge, kFewSymbols> pairs;
  for (size_t i = 0; i + 1 < n; ++i) pairs[i] = find(symbols[i], symbols[i + 1]);
  while (n > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < n; ++i) {
      if (pairs[i].rank < pairs[best].rank) best = i;
    }
    if (pairs[best].rank == Merge::kNever) break;
    symbols[best] = {pairs[best].token, symbols[best].begin, symbols[best + 1].end};
    for (size_t i = best + 1; i + 1 < n; ++i) {
      symbols[i] = symbols[i + 1];
      pairs[i - 1] = pairs[i];
    }
    --n;
    if (best > 0) pairs[best - 1] = find(symbols[best - 1], symbols[best]);
    if (best + 1 < n) pairs[best] = find(symbols[best], symbols[best + 1]);
  }
  return n;
}

/// As merge_few, for fewer than 2^32 symbols.
template <class Find>
size_t merge_many(std::span<Symbol> symbols, const Find& find) {
  constexpr uint32_t kEnd = UINT32_MAX;
  struct Links {
    uint32_t next;
    uint32_t previous;
    Merge pair;  // with the next symbol
  };
  const auto n = static_cast<uint32_t>(symbols.size());
  std::vector<Links> links(n);
  // Waiting pairs: rank, then place. One whose rank its place does not have any more is out of date.
  std::vector<uint64_t> waiting;
  waiting.reserve(n);
  for (uint32_t i = 0; i < n; ++i) {
    links[i] = {i + 1 < n ? i + 1 : kEnd, i > 0 ? i - 1 : kEnd, {}};
    if (i + 1 < n) links[i].pair = find(symbols[i], symbols[i + 1]);
    if (links[i].pair.rank != Merge::kNever) waiting.push_back((uint64_t{links[i].pair.rank} << 32U) | i);
  }
  std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>> queue(std::greater<>(), std::move(waiting));
  const auto pair_up = [&](uint32_t left) {
    const uint32_t right = links[left].next;
    links[left].pair = right == kEnd ? Merge() : find(symbols[left], symbols[right]);
    if (links[left].pair.rank != Merge::kNever) queue.push((uint64_t{links[left].pair.rank} << 32U) | left);
  };
  while (!queue.empty()) {
    const auto left = static_cast<uint32_t>(queue.top());
    const auto rank = static_cast<uint32_t>(queue.top() >> 32U);
    queue.pop();
    if (links[left].pair.rank != rank) continue;
    const uint32_t right = links[left].next;
    symbols[left] = {links[left].pair.token, symbols[left].begin, symbols[right].end};
    links[left].next = links[right].next;
    links[right].pair = {};
    if (links[left].next != kEnd) links[links[left].next].previous = left;
    pair_up(left);
    if (links[left].previous != kEnd) pair_up(links[left].previous);
  }
  size_t size = 0;
  for (uint32_t i = 0; i != kEnd && n > 0; i = links[i].next) symbols[size++] = symbols[i];
  return size;
}

template <class Find>
size_t merge_symbols(std::span<Symbol> symbols, const Find& find) {
  return symbols.size() <= kFewSymbols ? merge_few(symbols, find) : merge_many(symbols, find);
}

}  // namespace kinglet::text
