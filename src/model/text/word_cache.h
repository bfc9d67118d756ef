// Words that were tokenized before. Internal to model/text.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/mutex.h"
#include "model/text/spelling_index.h"

namespace kinglet::text {

/// Short words and their tokens; a word may push out another one. 512 KB, and no allocation after it is made.
class WordCache {
 public:
  /// What append does for a word that it does not know: encode(word) appends to ids.
  template <class Encode>
  void append(std::string_view word, std::vector<int32_t>& ids, const Encode& encode) {
    if (word.size() > kMaxWord || word.empty()) return encode(word);
    const uint64_t hash = hash_bytes(word);
    Entry& entry = entries_[hash % kEntries];
    if (entry.size == word.size() && std::memcmp(entry.word.data(), word.data(), word.size()) == 0) {
      ids.insert(ids.end(), entry.tokens.begin(), entry.tokens.begin() + entry.n_tokens);
      return;
    }
    const size_t before = ids.size();
    encode(word);
    const size_t n = ids.size() - before;
    if (n > kMaxTokens) return;
    entry.size = static_cast<uint8_t>(word.size());
    entry.n_tokens = static_cast<uint8_t>(n);
    std::memcpy(entry.word.data(), word.data(), word.size());
    std::copy_n(ids.begin() + static_cast<std::ptrdiff_t>(before), n, entry.tokens.begin());
  }

 private:
  static constexpr size_t kEntries = 1 << 13;
  static constexpr size_t kMaxWord = 22;
  static constexpr size_t kMaxTokens = 10;
  struct Entry {
    uint8_t size = 0;
    uint8_t n_tokens = 0;
    std::array<char, kMaxWord> word;
    std::array<int32_t, kMaxTokens> tokens;
  };
  static_assert(sizeof(Entry) == 64);

  std::vector<Entry> entries_ = std::vector<Entry>(kEntries);
};

/// Caches lent to one call each. Thread-safe.
class WordCaches {
 public:
  std::unique_ptr<WordCache> borrow() {
    const MutexLock lock(mutex_);
    if (idle_.empty()) return std::make_unique<WordCache>();
    std::unique_ptr<WordCache> cache = std::move(idle_.back());
    idle_.pop_back();
    return cache;
  }
  void give_back(std::unique_ptr<WordCache> cache) {
    constexpr size_t kMostIdle = 4;
    const MutexLock lock(mutex_);
    if (idle_.size() < kMostIdle) idle_.push_back(std::move(cache));
  }

 private:
  Mutex mutex_;
  std::vector<std::unique_ptr<WordCache>> idle_ GUARDED_BY(mutex_);
};

}  // namespace kinglet::text
