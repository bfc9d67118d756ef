#include "model/text/byte_bpe.h"

#include <algorithm>
#include <bit>
#include <queue>
#include <unordered_map>

#include "core/base/base.h"
#include "model/text/spelling_index.h"
#include "model/text/unicode.h"
#include "model/text/utf8.h"

namespace kinglet::text {
namespace {

// GPT-2 spells each byte as a printable character: itself where it is one, else the next one from U+0100 on.
struct ByteSpelling {
  std::array<uint32_t, 256> char_of{};
  std::array<int16_t, 512> byte_of{};  // by character, -1 for others
};

const ByteSpelling& byte_spelling() {
  static const ByteSpelling kSpelling = [] {
    ByteSpelling spelling;
    spelling.byte_of.fill(-1);
    uint32_t next = 0x100;
    for (uint32_t byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      const uint32_t spelled = printable ? byte : next++;
      spelling.char_of[byte] = spelled;
      spelling.byte_of[spelled] = static_cast<int16_t>(byte);
    }
    return spelling;
  }();
  return kSpelling;
}

std::string spelled(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) append_utf8(out, byte_spelling().char_of[static_cast<uint8_t>(c)]);
  return out;
}

uint64_t pair_key(int32_t left, int32_t right) noexcept {
  return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32U) | static_cast<uint32_t>(right);
}

// Words up to this many bytes are searched for the best pair directly; longer ones through a heap.
constexpr size_t kShortWord = 48;
// The cache holds words up to this long, and is emptied when it has taken so many.
constexpr size_t kCachedWord = 32;
constexpr size_t kCachedWords = 1 << 16;

}  // namespace

/// Pairs of tokens that merge: rank and result. Open addressing.
class ByteBpe::MergeTable {
 public:
  struct Merge {
    uint32_t rank = UINT32_MAX;
    int32_t result = -1;
    [[nodiscard]] bool exists() const noexcept { return result >= 0; }
  };

  explicit MergeTable(size_t n) : keys_(std::bit_ceil(n * 2 + 2), kFree), merges_(keys_.size()) {}

  void add(int32_t left, int32_t right, Merge merge) {
    const size_t at = place_of(pair_key(left, right));
    if (keys_[at] != kFree) return;  // the earlier rank counts
    keys_[at] = pair_key(left, right);
    merges_[at] = merge;
  }
  [[nodiscard]] Merge find(int32_t left, int32_t right) const noexcept { return merges_[place_of(pair_key(left, right))]; }

 private:
  static constexpr uint64_t kFree = UINT64_MAX;

  [[nodiscard]] size_t place_of(uint64_t key) const noexcept {
    const size_t mask = keys_.size() - 1;
    size_t at = (key * 0x9E3779B97F4A7C15) >> 20U & mask;
    while (keys_[at] != key && keys_[at] != kFree) at = (at + 1) & mask;
    return at;
  }

  std::vector<uint64_t> keys_;
  std::vector<Merge> merges_;
};

struct ByteBpe::WordCache {
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view word) const noexcept { return hash_bytes(word); }
  };
  std::unordered_map<std::string, std::vector<int32_t>, Hash, std::equal_to<>> words;
};

ByteBpe::ByteBpe(const VocabularySpec& spec)
    : Tokenizer(spec), pre_(find_pre_tokenizer(spec.pre)), cache_(std::make_unique<WordCache>()) {
  if (pre_ == nullptr) fail_with(ErrorCode::kUnsupported, "tokenizer: pre-tokenizer ", spec.pre, " is not supported");
  for (size_t byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    byte_tokens_[byte] = spellings().find(spelled({&c, 1}));
  }
  auto merges = std::make_unique<MergeTable>(spec_.merges.size());
  std::string joined;
  for (size_t rank = 0; rank < spec_.merges.size(); ++rank) {
    const std::string_view merge = spec_.merges[rank];
    // The parts are spelled without spaces, but one may be empty in a damaged file.
    const size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos) fail_with(ErrorCode::kInvalidFile, "tokenizer: merge ", rank, " has no two parts");
    joined.assign(merge.substr(0, space));
    joined.append(merge.substr(space + 1));
    const int32_t left = spellings().find(merge.substr(0, space));
    const int32_t right = spellings().find(merge.substr(space + 1));
    const int32_t result = spellings().find(joined);
    if (left >= 0 && right >= 0 && result >= 0) merges->add(left, right, {static_cast<uint32_t>(rank), result});
  }
  merges_ = std::move(merges);
}

ByteBpe::~ByteBpe() = default;

std::string ByteBpe::plain_bytes(int32_t token) const {
  std::string bytes;
  const std::string_view spelling = spec_.tokens[static_cast<size_t>(token)];
  for (size_t i = 0; i < spelling.size();) {
    const CodePoint point = code_point_at(spelling, i);
    const int16_t byte = point.value < 512 ? byte_spelling().byte_of[point.value] : int16_t{-1};
    if (byte >= 0) {
      bytes.push_back(static_cast<char>(byte));
    } else {
      bytes.append(spelling.substr(i, point.length));  // no byte is spelled so: the token is plain text
    }
    i += point.length;
  }
  return bytes;
}

void ByteBpe::encode_plain(std::string_view text, bool /*is_first*/, std::vector<int32_t>& ids) const {
  std::string normalized;
  if (pre_->nfc && !is_surely_nfc(text)) {
    normalized = nfc(text);
    text = normalized;
  }
  const std::vector<TextChar> chars = classify(text);
  // Ends of words after each cut, as character numbers.
  std::vector<size_t> ends{chars.size() - 1};
  std::vector<size_t> finer;
  for (const WordEnd cut : pre_->cuts) {
    finer.clear();
    size_t begin = 0;
    for (const size_t end : ends) {
      while (begin < end) finer.push_back(begin = cut(chars.data(), begin, end));
    }
    ends.swap(finer);
  }
  const bool has_cache = cache_mutex_.try_lock();
  size_t begin = 0;
  for (const size_t end : ends) {
    const std::string_view word = text.substr(chars[begin].offset, chars[end].offset - chars[begin].offset);
    begin = end;
    if (!has_cache || word.size() > kCachedWord) {
      encode_word(word, ids);
      continue;
    }
    auto place = cache_->words.find(word);
    if (place == cache_->words.end()) {
      if (cache_->words.size() >= kCachedWords) cache_->words.clear();
      std::vector<int32_t> of_word;
      encode_word(word, of_word);
      place = cache_->words.emplace(std::string(word), std::move(of_word)).first;
    }
    ids.insert(ids.end(), place->second.begin(), place->second.end());
  }
  if (has_cache) cache_mutex_.unlock();
}

void ByteBpe::encode_word(std::string_view word, std::vector<int32_t>& ids) const {
  if (pre_->whole_words_first) {
    if (const int32_t whole = spellings().find(spelled(word)); whole >= 0) {
      ids.push_back(whole);
      return;
    }
  }
  std::vector<int32_t> symbols;
  symbols.reserve(word.size());
  for (const char c : word) {
    const int32_t token = byte_tokens_[static_cast<uint8_t>(c)];
    // A vocabulary without this byte says so with its unknown token, or not at all.
    if (token >= 0) {
      symbols.push_back(token);
    } else if (spec_.unknown) {
      symbols.push_back(*spec_.unknown);
    }
  }
  symbols.size() <= kShortWord ? merge_short(symbols) : merge_long(symbols);
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

void ByteBpe::merge_short(std::vector<int32_t>& symbols) const {
  for (;;) {
    MergeTable::Merge best;
    size_t at = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const MergeTable::Merge merge = merges_->find(symbols[i], symbols[i + 1]);
      if (merge.rank < best.rank) {
        best = merge;
        at = i;
      }
    }
    if (!best.exists()) return;
    symbols[at] = best.result;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

// Candidates wait in a heap by rank, then by place; those whose symbols have changed since are skipped.
void ByteBpe::merge_long(std::vector<int32_t>& symbols) const {
  struct Candidate {
    uint32_t rank;
    uint32_t left;  // place of the left symbol
    uint32_t right;
    int32_t left_token;
    int32_t right_token;
    int32_t result;
    bool operator<(const Candidate& other) const noexcept {
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };
  const auto n = static_cast<uint32_t>(symbols.size());
  constexpr uint32_t kEnd = UINT32_MAX;
  std::vector<uint32_t> next(n);
  std::vector<uint32_t> previous(n);
  std::vector<Candidate> first;
  const auto candidate = [&](uint32_t left, uint32_t right) {
    const MergeTable::Merge merge = merges_->find(symbols[left], symbols[right]);
    return Candidate{merge.rank, left, right, symbols[left], symbols[right], merge.result};
  };
  for (uint32_t i = 0; i < n; ++i) {
    next[i] = i + 1 < n ? i + 1 : kEnd;
    previous[i] = i > 0 ? i - 1 : kEnd;
    if (i + 1 < n) {
      if (const Candidate pair = candidate(i, i + 1); pair.result >= 0) first.push_back(pair);
    }
  }
  std::priority_queue<Candidate> queue(std::less<Candidate>(), std::move(first));
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    if (symbols[best.left] != best.left_token || next[best.left] != best.right || symbols[best.right] != best.right_token) continue;
    symbols[best.left] = best.result;
    symbols[best.right] = -1;
    const uint32_t after = next[best.right];
    next[best.left] = after;
    if (after != kEnd) {
      previous[after] = best.left;
      if (const Candidate pair = candidate(best.left, after); pair.result >= 0) queue.push(pair);
    }
    if (const uint32_t before = previous[best.left]; before != kEnd) {
      if (const Candidate pair = candidate(before, best.left); pair.result >= 0) queue.push(pair);
    }
  }
  std::erase(symbols, -1);
}

}  // namespace kinglet::text
