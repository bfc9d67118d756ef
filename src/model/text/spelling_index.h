// Finds tokens by their spelling. Internal to model/text.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "model/text/tokenizer.h"

namespace kinglet::text {

/// Mixes eight bytes at a time; spellings are short and trusted no further than to be found.
inline uint64_t hash_bytes(std::string_view bytes) noexcept {
  constexpr uint64_t kPrime = 0x9E3779B97F4A7C15;
  uint64_t hash = bytes.size() * kPrime;
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    hash = std::rotl(hash ^ word, 29) * kPrime;
  }
  uint64_t last = 0;
  if (i < bytes.size()) std::memcpy(&last, bytes.data() + i, bytes.size() - i);
  hash = std::rotl(hash ^ last, 29) * kPrime;
  return hash ^ (hash >> 32U);
}

/// Open addressing over ids with a part of the hash beside each, so that a look-up reads one spelling at most, mostly.
class Tokenizer::SpellingIndex {
 public:
  /// Of tokens spelled alike the first one counts. The tokens outlive the index. Throws Error{kInvalidFile} for
  /// spellings made to collide, which would take quadratic time.
  explicit SpellingIndex(std::span<const std::string_view> tokens);

  /// -1 where there is none.
  [[nodiscard]] int32_t find(std::string_view spelling) const noexcept {
    return spelling.size() > longest_ ? -1 : find(spelling, hash_bytes(spelling));
  }
  /// As find, by the hash that hash_bytes gives; in between, the prefetches hide the time that memory takes.
  [[nodiscard]] int32_t find(std::string_view spelling, uint64_t hash) const noexcept {
    return entries_[place_of(spelling, hash)].id;
  }
  /// What a look-up reads comes in three steps, each of which needs the one before.
  void prefetch_entry(uint64_t hash) const noexcept { __builtin_prefetch(&entries_[hash & (entries_.size() - 1)]); }
  void prefetch_token(uint64_t hash) const noexcept {
    if (const int32_t id = entries_[hash & (entries_.size() - 1)].id; id >= 0)
      __builtin_prefetch(&tokens_[static_cast<size_t>(id)]);
  }
  void prefetch_spelling(uint64_t hash) const noexcept {
    const int32_t id = entries_[hash & (entries_.size() - 1)].id;
    if (id >= 0) __builtin_prefetch(tokens_[static_cast<size_t>(id)].data());
  }
  [[nodiscard]] size_t longest() const noexcept { return longest_; }

 private:
  struct Entry {
    uint32_t tag = 0;
    int32_t id = -1;
  };

  // The place of a spelling, or the free one where it would go.
  [[nodiscard]] size_t place_of(std::string_view spelling, uint64_t hash) const noexcept {
    const size_t mask = entries_.size() - 1;
    size_t at = hash & mask;
    while (entries_[at].id >= 0 && !is_at(at, spelling, hash)) at = (at + 1) & mask;
    return at;
  }
  [[nodiscard]] bool is_at(size_t at, std::string_view spelling, uint64_t hash) const noexcept {
    const Entry& entry = entries_[at];
    return entry.tag == static_cast<uint32_t>(hash >> 32U) && tokens_[static_cast<size_t>(entry.id)] == spelling;
  }

  std::span<const std::string_view> tokens_;
  std::vector<Entry> entries_;
  size_t longest_ = 0;
};

}  // namespace kinglet::text
