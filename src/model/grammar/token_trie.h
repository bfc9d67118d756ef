// The bytes of a vocabulary's tokens as a tree, and what sets of texts allow of them.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/grammar/lexeme.h"

namespace kinglet::text {
class Tokenizer;
}

namespace kinglet::grammar {

/// What to make a TokenTrie of. Views; the trie copies what it needs.
struct TokenBytes {
  std::span<const std::string> bytes;      ///< Of each token, by id. Empty ones never match.
  std::span<const int32_t> ends = {};      ///< End a text; they match nothing within.
  std::span<const int32_t> controls = {};  ///< Match only where a grammar names them (Grammar::token).
};

/// Tokens that a state of a lexeme allows. Constant once made.
struct LexemeMask {
  std::vector<uint32_t> words;  ///< A bit for each token; empty where `tokens` lists them instead.
  std::vector<int32_t> tokens;  ///< Sorted by nothing.
  std::vector<uint32_t> exits;  ///< Nodes with children at which the lexeme accepts: what is behind it may go on there.
};

/// Made once for a vocabulary and shared. Constant but for its cache; all functions are thread-safe.
class TokenTrie {
 public:
  /// Token ids are below this.
  static constexpr size_t kMaxTokens = size_t{1} << 24U;

  /// Takes time in proportion to the bytes, and a sort of them. Throws Error{kInvalidArgument} for an id outside of the
  /// vocabulary.
  explicit TokenTrie(const TokenBytes& vocabulary);
  TokenTrie(const TokenTrie&) = delete;
  TokenTrie& operator=(const TokenTrie&) = delete;

  /// Of a tokenizer; `ends` are the ids that end an answer. Tokens of the kind "unused" never match.
  static std::shared_ptr<const TokenTrie> make(const text::Tokenizer& tokenizer, std::span<const int32_t> ends);

  [[nodiscard]] size_t vocab_size() const noexcept { return offsets_.size() - 1; }
  [[nodiscard]] size_t n_words() const noexcept { return (vocab_size() + 31) / 32; }
  [[nodiscard]] std::span<const int32_t> ends() const noexcept { return ends_; }
  [[nodiscard]] bool is_end(int32_t token) const noexcept;
  /// What a grammar sees of a token, which is below vocab_size(): its bytes, of a control token control_spelling().
  [[nodiscard]] std::string_view bytes_of(int32_t token) const noexcept;
  /// A byte that no UTF-8 has, and the id.
  static std::string control_spelling(int32_t token);

  /// In depth-first order, bytes ascending; the first one is the root.
  struct Node {
    uint32_t end;    ///< Behind its subtree, in this order.
    int32_t token;   ///< -1: none ends here.
    uint16_t depth;  ///< Bytes.
    uint8_t byte;
  };
  [[nodiscard]] std::span<const Node> nodes() const noexcept { return nodes_; }
  /// Tokens with the bytes of another one: {the one in the nodes, the other}.
  [[nodiscard]] std::span<const std::pair<int32_t, int32_t>> twins() const noexcept { return twins_; }
  [[nodiscard]] size_t max_depth() const noexcept { return max_depth_; }
  /// Whether a token goes on where this text, which is not empty, ends. False where none begins with it, too.
  [[nodiscard]] bool is_proper_prefix(std::string_view text) const noexcept;

  /// Kept for later calls, within kMaxCacheBytes for all of them.
  [[nodiscard]] std::shared_ptr<const LexemeMask> mask_of(const Lexeme& lexeme, uint32_t state) const;
  static constexpr size_t kMaxCacheBytes = size_t{64} << 20U;

 private:
  struct Reference;
  static const Reference* reference_of(const Dfa& dfa, uint32_t state);
  [[nodiscard]] LexemeMask differing(const Dfa& dfa, uint32_t state, const Reference& reference) const;
  [[nodiscard]] LexemeMask walked(const Lexeme& lexeme, uint32_t state) const;

  std::string text_;
  std::vector<uint32_t> offsets_;
  std::vector<int32_t> ends_;
  std::vector<Node> nodes_;
  std::vector<std::pair<int32_t, int32_t>> twins_;
  size_t max_depth_ = 0;

  struct Key {
    uint64_t dfa;
    uint32_t state;
    uint32_t body;  // of a counted lexeme, with how many characters must and may follow
    uint32_t least;
    uint32_t most;
    bool operator==(const Key&) const = default;
  };
  struct HashOfKey {
    size_t operator()(const Key& key) const noexcept {
      return (((key.dfa * 31 + key.state) * 31 + key.body) * 31 + key.least) * 31 + key.most;
    }
  };
  mutable std::mutex mutex_;
  mutable std::unordered_map<Key, std::shared_ptr<const LexemeMask>, HashOfKey> cache_;
  mutable size_t cache_bytes_ = 0;
};

}  // namespace kinglet::grammar
