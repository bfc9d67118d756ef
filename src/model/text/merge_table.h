// Pairs of tokens that merge. Internal to model/text.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/base.h"
#include "model/text/merging.h"

namespace kinglet::text {

/// Open addressing, at most three quarters full.
class MergeTable {
 public:
  explicit MergeTable(size_t n) : entries_(std::bit_ceil(n + n / 3 + 2)), looks_left_(256 * n + 1024) {}

  /// Of a pair that comes twice the earlier rank counts. Throws Error{kInvalidFile} for pairs made to collide.
  void add(int32_t left, int32_t right, const Merge& merge) {
    size_t at = place_of(left, right);
    while (!entries_[at].is_free() && !entries_[at].is(left, right)) {
      at = (at + 1) & (entries_.size() - 1);
      if (--looks_left_ == 0) fail_with(ErrorCode::kInvalidFile, "tokenizer: the merges collide");
    }
    if (entries_[at].is_free()) entries_[at] = {left, right, merge};
  }

  void prefetch(int32_t left, int32_t right) const noexcept { __builtin_prefetch(&entries_[place_of(left, right)], 1); }

  [[nodiscard]] Merge find(int32_t left, int32_t right) const noexcept {
    size_t at = place_of(left, right);
    while (!entries_[at].is_free()) {
      if (entries_[at].is(left, right)) return entries_[at].merge;
      at = (at + 1) & (entries_.size() - 1);
    }
    return {};
  }

 private:
  struct Entry {
    int32_t left = 0;
    int32_t right = 0;
    Merge merge;
    [[nodiscard]] bool is_free() const noexcept { return merge.token < 0; }
    [[nodiscard]] bool is(int32_t a, int32_t b) const noexcept { return left == a && right == b; }
  };

  [[nodiscard]] size_t place_of(int32_t left, int32_t right) const noexcept {
    const uint64_t key = (uint64_t{static_cast<uint32_t>(left)} << 32U) | static_cast<uint32_t>(right);
    return (((key ^ (key >> 29U)) * 0x9E3779B97F4A7C15U) >> 32U) & (entries_.size() - 1);
  }

  std::vector<Entry> entries_;
  size_t looks_left_;
};

}  // namespace kinglet::text
