// Pre-tokenizers of byte-level BPE: they cut text into words within which merges happen.
//
// Published as regular expressions; here hand-written functions over classified characters, which take linear time on
// any input. A new one is a function in pre_tokenizer.cpp and a row of its list.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace kinglet::text {

/// A character of the text: where it begins, what it is.
struct TextChar {
  uint32_t offset;
  uint32_t code_point;
  uint8_t classes;  ///< CharClass bits.
};

/// Text as characters, with one behind the end that has no class. Invalid bytes are characters of their own without
/// class.
std::vector<TextChar> classify(std::string_view text);

/// Where the word that begins at character `at` of chars[0, n) ends; at < result <= n.
using WordEnd = size_t (*)(const TextChar* chars, size_t at, size_t n) noexcept;

struct PreTokenizer {
  std::string_view name;           ///< tokenizer.ggml.pre
  std::span<const WordEnd> cuts;   ///< One after the other: each cuts the words of the one before.
  bool whole_words_first = false;  ///< A word that is a token as a whole is not merged (llama 3's ignore_merges).
  bool nfc = false;                ///< Text is normalized to form C first.
};

/// Null for a name that is not known.
const PreTokenizer* find_pre_tokenizer(std::string_view name) noexcept;

}  // namespace kinglet::text
