// Unigram: the pieces of a text whose scores add up to the most. Internal to model/text.
//
// Source: Kudo, arXiv 1804.10959; SentencePiece's unigram_model.cc, whose ties and sums (f32, from left to right) it
// keeps.
#pragma once

#include "model/text/byte_tokens.h"
#include "model/text/charsmap.h"
#include "model/text/token_trie.h"
#include "model/text/tokenizer.h"

namespace kinglet::text {

class Unigram final : public Tokenizer {
 public:
  explicit Unigram(VocabularySpec spec);

 private:
  void encode_plain(std::string_view text, bool is_first, std::vector<int32_t>& ids) const override;
  [[nodiscard]] std::string plain_bytes(int32_t token) const override;

  Charsmap charsmap_;
  TokenTrie pieces_;
  ByteTokens bytes_;
  float unknown_score_ = 0.0F;
};

}  // namespace kinglet::text
