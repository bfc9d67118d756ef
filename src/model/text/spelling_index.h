// Finds tokens by their spelling: open addressing over ids, no copies of strings. Internal to model/text.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
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
  std::memcpy(&last, bytes.data() + i, bytes.size() - i);
  hash = std::rotl(hash ^ last, 29) * kPrime;
  return hash ^ (hash >> 32U);
}

class Tokenizer::SpellingIndex {
 public:
  /// Of tokens spelled alike the first one counts.
  explicit SpellingIndex(std::span<const std::string_view> tokens) : tokens_(tokens) {
    places_.assign(std::bit_ceil(tokens.size() * 2 + 2), -1);
    for (size_t id = 0; id < tokens.size(); ++id) {
      int32_t& place = places_[place_of(tokens[id])];
      if (place < 0) place = static_cast<int32_t>(id);
      longest_ = tokens[id].size() > longest_ ? tokens[id].size() : longest_;
    }
  }

  /// -1 where there is none.
  [[nodiscard]] int32_t find(std::string_view spelling) const noexcept {
    return spelling.size() > longest_ ? -1 : places_[place_of(spelling)];
  }
  [[nodiscard]] size_t longest() const noexcept { return longest_; }

 private:
  // The place of a spelling, or the free one where it would go.
  [[nodiscard]] size_t place_of(std::string_view spelling) const noexcept {
    const size_t mask = places_.size() - 1;
    size_t at = hash_bytes(spelling) & mask;
    while (places_[at] >= 0 && tokens_[static_cast<size_t>(places_[at])] != spelling) at = (at + 1) & mask;
    return at;
  }

  std::span<const std::string_view> tokens_;
  std::vector<int32_t> places_;
  size_t longest_ = 0;
};

}  // namespace kinglet::text
