// A small vocabulary for tests: all bytes, pieces of sample texts, two control tokens and two ends.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/philox.h"
#include "model/grammar/matcher.h"

namespace kinglet::grammar {

struct SampleVocabulary {
  std::vector<std::string> bytes;
  std::vector<int32_t> controls;
  std::vector<int32_t> ends;
  std::shared_ptr<const TokenTrie> trie;
};

/// Every piece of up to `longest` bytes at a random place of the texts, as many as `n` tries give.
inline SampleVocabulary sample_vocabulary(const std::vector<std::string>& texts, size_t n, size_t longest = 8) {
  SampleVocabulary v;
  for (int byte = 0; byte < 256; ++byte) v.bytes.emplace_back(1, static_cast<char>(byte));
  std::set<std::string> pieces;
  Philox random(7);
  for (size_t i = 0; i < n; ++i) {
    const std::string& text = texts[random.next_u32() % texts.size()];
    if (text.empty()) continue;
    const size_t at = random.next_u32() % text.size();
    const std::string piece = text.substr(at, 2 + random.next_u32() % (longest - 1));
    if (piece.size() > 1) pieces.insert(piece);
  }
  v.bytes.insert(v.bytes.end(), pieces.begin(), pieces.end());
  // A twin of another token, an empty one, then those with a meaning.
  v.bytes.push_back(v.bytes.back());
  v.bytes.emplace_back();
  for (int i = 0; i < 2; ++i) {
    v.controls.push_back(static_cast<int32_t>(v.bytes.size()));
    v.bytes.emplace_back("<control>");
  }
  for (int i = 0; i < 2; ++i) {
    v.ends.push_back(static_cast<int32_t>(v.bytes.size()));
    v.bytes.emplace_back("<end>");
  }
  v.trie = std::make_shared<const TokenTrie>(TokenBytes{v.bytes, v.ends, v.controls});
  return v;
}

inline bool has(std::span<const uint32_t> mask, int32_t token) {
  return (mask[static_cast<size_t>(token) / 32] >> (static_cast<uint32_t>(token) % 32U) & 1U) != 0;
}

inline bool matches(const Grammar& grammar, const SampleVocabulary& vocabulary, std::string_view text) {
  Matcher matcher(grammar, vocabulary.trie);
  return matcher.accept_bytes(text) && matcher.can_end();
}

}  // namespace kinglet::grammar
