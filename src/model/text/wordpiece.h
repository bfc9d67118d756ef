// WordPiece (BERT): words of normalized text, each spelled with the longest pieces from its begin on.
#pragma once

#include "model/text/bert_normalizer.h"
#include "model/text/token_trie.h"
#include "model/text/tokenizer.h"
#include "model/text/word_cache.h"

namespace kinglet::text {

/// The vocabulary is spelled as GGUF does it: pieces that begin a word have U+2581 in front of them.
class WordPiece final : public Tokenizer {
 public:
  explicit WordPiece(VocabularySpec spec);

 private:
  void encode_plain(std::string_view text, bool is_first, std::vector<int32_t>& ids) const override;
  [[nodiscard]] std::string plain_bytes(int32_t token) const override;
  void encode_word(std::string_view word, std::vector<int32_t>& ids) const;

  const TokenTrie starts_;
  const TokenTrie rests_;
  const std::unique_ptr<WordCaches> caches_;
};

}  // namespace kinglet::text
