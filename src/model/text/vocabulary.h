// What a model file says about its vocabulary.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace kinglet::text {

/// Kinds of tokens, with the numbers of GGUF's tokenizer.ggml.token_type.
enum class TokenType : uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

/// How WordPiece reads text.
struct BertRules {
  bool clean = true;          ///< Control characters go, white space is blanks.
  bool chinese_apart = true;  ///< Chinese characters are words each.
  bool strip_accents = true;
  bool lowercase = true;
};

/// Views of a model file, which outlives the tokenizer made from it.
struct VocabularySpec {
  std::string_view model;  ///< As in tokenizer.ggml.model; Tokenizer::make lists those that are known.
  std::string_view pre;    ///< The pre-tokenizer of byte-level BPE.
  std::vector<std::string_view> tokens;
  std::vector<float> scores;     ///< SentencePiece and Unigram; as many as tokens.
  std::vector<TokenType> types;  ///< As many as tokens, or none: all normal.
  std::vector<std::string_view> merges;
  std::vector<std::string_view> patterns;  ///< Cuts of byte-level BPE in place of those of `pre`, one after another.
  bool whole_words_first = false;          ///< With patterns: a word that is a token as a whole is not merged.
  /// nfc, nfd, nfkc, nfkd, lowercase, strip_accents: in this order, in place of what `pre` implies.
  std::optional<std::vector<std::string_view>> normalizers;
  std::optional<int32_t> bos;
  std::optional<int32_t> eos;
  std::optional<int32_t> unknown;
  /// Ids of special tokens that take the blanks before them, or behind them, and of those that are read only where no
  /// letter, number or underscore stands beside them.
  std::vector<int32_t> strips_left;
  std::vector<int32_t> strips_right;
  std::vector<int32_t> single_words;
  bool add_bos = false;
  bool add_eos = false;
  BertRules bert;
  std::string_view charsmap;              ///< SentencePiece's table of normalization (charsmap.h); empty: none.
  bool remove_extra_whitespaces = false;  ///< SentencePiece: several spaces are one, those at the ends none.
  bool add_space_prefix = false;          ///< Text begins as if a space stood before it.
};

}  // namespace kinglet::text
