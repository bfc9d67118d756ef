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

/// A text drawn from the masks with equal chances, ends preferred once it is long; empty where it does not end within
/// `most` tokens.
inline std::string drawn(const Grammar& grammar, const SampleVocabulary& vocabulary, uint64_t seed, size_t most) {
  Matcher matcher(grammar, vocabulary.trie);
  Philox random(seed);
  std::string text;
  for (size_t step = 0; step < most; ++step) {
    const auto mask = matcher.mask();
    if (matcher.can_end() && (step > most / 4 || random.next_u32() % 4 == 0)) return text;
    std::vector<int32_t> allowed;
    std::vector<int32_t> closing;
    for (size_t i = 0; i < vocabulary.bytes.size(); ++i) {
      const auto token = static_cast<int32_t>(i);
      if (!has(mask, token) || vocabulary.trie->is_end(token)) continue;
      allowed.push_back(token);
      if (vocabulary.bytes[i] == "\"" || vocabulary.bytes[i] == "}" || vocabulary.bytes[i] == "]")
        closing.push_back(token);
    }
    if (allowed.empty()) return matcher.can_end() ? text : "";
    const bool closes = !closing.empty() && (step > most / 4 || random.next_u32() % 3 == 0);
    const auto& choice = closes ? closing : allowed;
    const int32_t token = choice[random.next_u32() % choice.size()];
    if (!matcher.accept(token)) return "a token of the mask is not accepted";
    text += vocabulary.bytes[static_cast<size_t>(token)];
  }
  return "";
}

inline bool matches(const Grammar& grammar, const SampleVocabulary& vocabulary, std::string_view text) {
  Matcher matcher(grammar, vocabulary.trie);
  return matcher.accept_bytes(text) && matcher.can_end();
}

}  // namespace kinglet::grammar
