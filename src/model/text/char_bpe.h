// BPE over characters (Gemma 4): spaces are spelled U+2581, lines are words, characters without a token are bytes.
#pragma once

#include "model/text/bpe.h"
#include "model/text/byte_tokens.h"

namespace kinglet::text {

class CharBpe final : public RankedBpe {
 public:
  CharBpe(VocabularySpec spec, const PreTokenizer& pre);

 private:
  void encode_plain(std::string_view text, bool is_first, std::vector<int32_t>& ids) const override;
  [[nodiscard]] std::string plain_bytes(int32_t token) const override;
  void encode_word(std::string_view word, std::vector<int32_t>& ids) const;

  const ByteTokens bytes_;
};

}  // namespace kinglet::text
