// Finds all tokens that a text begins with. Internal to model/text.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace kinglet::text {

/// A tree of bytes whose nodes lie level by level, the children of one beside each other. Constant once made.
class TokenTrie {
 public:
  /// Spellings with their tokens; of those spelled alike the first token counts, empty ones are passed over. Takes time
  /// in proportion to the spellings, and a sort of them.
  explicit TokenTrie(std::vector<std::pair<std::string_view, int32_t>> spellings);

  /// Calls use(length, token) for each token that the text begins with, shortest first. Takes time in proportion to the
  /// longest of them.
  template <class Use>
  void for_each_prefix(std::string_view text, const Use& use) const {
    if (text.empty()) return;
    uint32_t node = roots_[static_cast<uint8_t>(text[0])];
    for (size_t length = 1; node != 0; ++length) {
      const Node& here = nodes_[node];
      if (here.token >= 0) use(length, here.token);
      if (length == text.size()) return;
      node = child(here, static_cast<uint8_t>(text[length]));
    }
  }

 private:
  struct Node {
    uint32_t first_child = 0;
    uint16_t n_children = 0;
    uint8_t byte = 0;
    int32_t token = -1;
  };
  // 0 where there is none: the first node is no child.
  [[nodiscard]] uint32_t child(const Node& node, uint8_t byte) const noexcept {
    uint32_t low = node.first_child;
    uint32_t high = low + node.n_children;
    while (low < high) {
      const uint32_t middle = low + (high - low) / 2;
      if (nodes_[middle].byte < byte) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < node.first_child + node.n_children && nodes_[low].byte == byte ? low : 0;
  }

  std::vector<Node> nodes_;
  std::array<uint32_t, 256> roots_{};
};

}  // namespace kinglet::text
