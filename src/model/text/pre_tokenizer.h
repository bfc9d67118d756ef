// Pre-tokenizers of byte-level BPE: they cut text into words within which merges happen.
//
// Published as regular expressions; here hand-written functions over characters, which take linear time on any input. A
// new one is a function in pre_tokenizer.cpp and a row of its list.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace kinglet::text {

/// Where the word that begins at byte `at` of the text ends; at < text.size(), at < result <= text.size(). Bytes that
/// are no UTF-8 are characters without class.
using WordEnd = size_t (*)(std::string_view text, size_t at) noexcept;

struct PreTokenizer {
  std::string_view name;           ///< tokenizer.ggml.pre
  std::span<const WordEnd> cuts;   ///< One after the other: each cuts the words of the one before.
  bool whole_words_first = false;  ///< A word that is a token as a whole is not merged (llama 3's ignore_merges).
  bool nfc = false;                ///< Text is normalized to form C first.
};

/// Null for a name that is not known.
const PreTokenizer* find_pre_tokenizer(std::string_view name) noexcept;

/// Calls use(word) for each word of text[0, end) from `begin` on, in order.
template <class Use>
void for_each_word(std::span<const WordEnd> cuts, std::string_view text, size_t begin, const Use& use) {
  while (begin < text.size()) {
    const size_t end = cuts[0](text, begin);
    if (cuts.size() == 1) {
      use(text.substr(begin, end - begin));
    } else {
      for_each_word(cuts.subspan(1), text.substr(0, end), begin, use);
    }
    begin = end;
  }
}

}  // namespace kinglet::text
