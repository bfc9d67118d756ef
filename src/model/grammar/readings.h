// Where a text may stand in a grammar: all readings of it at once, as numbers. Internal to model/grammar.
//
// This is Earley's algorithm without positions. A reading is a state of a rule and the node of what follows that rule;
// a node is a set of readings, those that called the rule at one place. Nodes and positions (sets of readings) are kept
// once each and never change, so equal ones have equal numbers, texts that end alike share theirs, a step from a
// position by a byte is looked up after the first time, and a copy of a position is a copy of its number.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "model/grammar/program.h"
#include "model/grammar/token_trie.h"

namespace kinglet::grammar {

using Mask = std::vector<uint32_t>;

/// Not thread-safe. Grows by what is asked; `is_full` says when it should be replaced.
class Readings {
 public:
  static constexpr uint32_t kNowhere = 0;  ///< The position that no text of the grammar leads to.
  static constexpr size_t kMaxReadings = 20'000;
  static constexpr size_t kMaxDepth = 10'000;
  static constexpr size_t kMaxBytes = size_t{96} << 20U;

  /// The program outlives it.
  explicit Readings(const Program& program);

  [[nodiscard]] uint32_t start() const noexcept { return start_; }
  /// Throws Error{kInvalidArgument} over kMaxReadings or kMaxDepth.
  uint32_t step(uint32_t position, uint8_t byte);
  [[nodiscard]] bool can_end(uint32_t position) const noexcept { return positions_[position].can_end; }
  /// The only byte that may follow, where the text may not end here; -1 where there are several or none.
  [[nodiscard]] int only_byte(uint32_t position);
  /// The tokens that may follow, without the ends. Kept for later.
  std::shared_ptr<const Mask> mask(uint32_t position, const TokenTrie& trie);

  [[nodiscard]] bool is_full() const noexcept { return bytes_ > kMaxBytes; }
  [[nodiscard]] size_t size_bytes() const noexcept { return bytes_; }
  /// The position here that is the same as `position` there. Both are of one program.
  uint32_t import(const Readings& from, uint32_t position);

 private:
  struct Item {
    uint32_t state;
    uint32_t node;
    bool operator==(const Item&) const = default;
    auto operator<=>(const Item&) const = default;
  };
  // A stretch of items_.
  struct Set {
    uint32_t first;
    uint32_t n;
  };
  struct Node {
    Set items;
    uint32_t depth;
    uint32_t behind = UINT32_MAX;  // the position of its items, once asked for
  };
  struct Position {
    Set kernel;
    Set active;  // those that bytes lead on from, lexemes first
    bool can_end;
    std::shared_ptr<const std::bitset<256>> first_bytes = nullptr;  // that may follow, once asked for
  };

  [[nodiscard]] std::span<const Item> items(Set set) const { return {items_.data() + set.first, set.n}; }
  Set add_items(std::span<const Item> items);
  uint32_t node_of(std::vector<Item>& items);
  uint32_t position_of(std::vector<Item>& kernel);
  void complete(std::vector<Item>& kernel, bool& can_end) const;
  void close(const std::vector<Item>& kernel, std::vector<Item>& active);
  uint32_t position_behind(uint32_t node);
  /// Adds what the trie has below `node`, on from `position`, to the mask.
  void walk(const TokenTrie& trie, uint32_t node, uint32_t position, Mask& mask);
  void walk_states(const TokenTrie& trie, std::span<const Item> active, Mask& mask);
  const LexemeMask& lexeme_mask(const TokenTrie& trie, uint32_t state);
  [[nodiscard]] std::bitset<256> first_bytes(std::span<const Item> active) const;
  const std::bitset<256>& first_bytes(uint32_t position);
  void follow(std::span<const Item> active, uint8_t byte, std::vector<Item>& kernel) const;

  const Program& program_;
  std::vector<uint32_t> rule_by_rank_;
  std::vector<Item> items_;
  std::vector<Node> nodes_;
  std::vector<Position> positions_;
  std::unordered_multimap<uint64_t, uint32_t> node_ids_;
  std::unordered_multimap<uint64_t, uint32_t> position_ids_;
  std::unordered_map<uint64_t, uint32_t> steps_;
  std::unordered_map<uint32_t, std::shared_ptr<const Mask>> masks_;
  std::unordered_map<uint32_t, std::shared_ptr<const LexemeMask>> lexeme_masks_;
  std::vector<uint32_t> path_;
  uint32_t start_ = 0;
  size_t bytes_ = 0;
};

}  // namespace kinglet::grammar
