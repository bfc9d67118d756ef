// SentencePiece BPE (Llama 1 and 2): characters merged to the pieces with the best scores, bytes where nothing fits.
#pragma once

#include <memory>

#include "model/text/byte_tokens.h"
#include "model/text/charsmap.h"
#include "model/text/tokenizer.h"

namespace kinglet::text {

class WordCaches;

class SentencePieceBpe final : public Tokenizer {
 public:
  explicit SentencePieceBpe(VocabularySpec spec);
  ~SentencePieceBpe() override;

 private:
  void encode_plain(std::string_view text, bool is_first, std::vector<int32_t>& ids) const override;
  [[nodiscard]] std::string plain_bytes(int32_t token) const override;
  /// The token of a piece of text; -1 where there is none.
  [[nodiscard]] int32_t find_piece(std::string_view spelling) const noexcept;
  void encode_word(std::string_view word, std::vector<int32_t>& ids) const;

  const Charsmap charsmap_;
  const ByteTokens bytes_;
  bool words_are_apart_ = false;  // no piece goes on into the next word
  std::unique_ptr<WordCaches> caches_;
};

}  // namespace kinglet::text
