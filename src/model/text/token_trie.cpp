#include "model/text/token_trie.h"

#include <algorithm>

namespace kinglet::text {

TokenTrie::TokenTrie(std::vector<std::pair<std::string_view, int32_t>> spellings) {
  std::erase_if(spellings, [](const auto& entry) { return entry.first.empty(); });
  std::ranges::sort(spellings);
  // Each node covers a stretch of the spellings, which begin alike.
  struct Stretch {
    size_t begin;
    size_t end;
  };
  nodes_.emplace_back();
  std::vector<Stretch> level = {{0, spellings.size()}};
  uint32_t first_of_level = 0;
  for (size_t depth = 0; !level.empty(); ++depth) {
    std::vector<Stretch> next_level;
    const auto first_of_next = static_cast<uint32_t>(nodes_.size());
    for (size_t i = 0; i < level.size(); ++i) {
      const auto [begin, end] = level[i];
      size_t at = begin;
      while (at < end && spellings[at].first.size() == depth) ++at;
      const auto here = static_cast<uint32_t>(first_of_level + i);
      if (at > begin) nodes_[here].token = spellings[begin].second;
      nodes_[here].first_child = static_cast<uint32_t>(nodes_.size());
      while (at < end) {
        const char byte = spellings[at].first[depth];
        const size_t child_begin = at;
        while (at < end && spellings[at].first[depth] == byte) ++at;
        nodes_.push_back({.byte = static_cast<uint8_t>(byte)});
        ++nodes_[here].n_children;
        next_level.push_back({child_begin, at});
      }
    }
    level = std::move(next_level);
    first_of_level = first_of_next;
  }
  for (uint32_t i = 0; i < nodes_[0].n_children; ++i) {
    const uint32_t child = nodes_[0].first_child + i;
    roots_[nodes_[child].byte] = child;
  }
}

}  // namespace kinglet::text
