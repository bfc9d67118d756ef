// Pre-tokenizers of BPE: they cut text into words within which merges happen.
//
// Published as regular expressions, so a pre-tokenizer is a row of pre_tokenizers.cpp: patterns (pattern/automaton.h
// runs them in linear time), or functions by hand (word_ends.h) for those that most models use and for what patterns
// cannot say.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/text/pattern/automaton.h"

namespace kinglet::text {

/// Where the word that begins at byte `at` of the text ends; at < text.size(), at < result <= text.size(). Bytes that
/// are no UTF-8 are characters without class.
using WordEnd = size_t (*)(std::string_view text, size_t at) noexcept;

/// Cuts text into matches and what stands between them.
struct Cut {
  WordEnd by_hand = nullptr;
  std::string_view pattern;  ///< Where nothing does it by hand.
};

/// What else a name of a pre-tokenizer says.
struct PreTokenizerTraits {
  bool whole_words_first = false;  ///< A word that is a token as a whole is not merged (ignore_merges).
  bool nfc = false;                ///< Text is normalized to form C first.
  bool by_character = false;       ///< Merges begin with characters, spaces spelled U+2581; else with bytes.
  bool begins_with_bos = false;    ///< Where a file does not say.
};

struct PreTokenizer {
  std::string_view name;      ///< tokenizer.ggml.pre
  std::span<const Cut> cuts;  ///< One after the other: each cuts the words of the one before.
  PreTokenizerTraits traits;
};

/// All of them.
std::span<const PreTokenizer> pre_tokenizers();
/// Null for a name that is not known.
const PreTokenizer* find_pre_tokenizer(std::string_view name) noexcept;
/// "default, falcon, ...": for messages.
std::string pre_tokenizer_names();

/// Ready to cut. Constant once made.
class WordCutter {
 public:
  explicit WordCutter(std::span<const Cut> cuts);

  /// Calls use(word) for each word of text[0, end) from `begin` on, in order.
  template <class Use>
  void for_each_word(std::string_view text, const Use& use) const {
    cut(0, text, 0, use);
  }

 private:
  struct Step {
    WordEnd by_hand = nullptr;
    std::unique_ptr<const Automaton> automaton;
    [[nodiscard]] size_t end(std::string_view text, size_t at) const noexcept {
      return by_hand != nullptr ? by_hand(text, at) : match_or_gap_end(text, at);
    }
    [[nodiscard]] size_t match_or_gap_end(std::string_view text, size_t at) const noexcept;
  };

  template <class Use>
  void cut(size_t step, std::string_view text, size_t begin, const Use& use) const {
    while (begin < text.size()) {
      const size_t end = steps_[step].end(text, begin);
      if (step + 1 == steps_.size()) {
        use(text.substr(begin, end - begin));
      } else {
        cut(step + 1, text.substr(0, end), begin, use);
      }
      begin = end;
    }
  }

  std::vector<Step> steps_;
};

}  // namespace kinglet::text
