// SentencePiece BPE (Llama 1 and 2): characters merged to the pieces with the best scores, bytes where nothing fits.
#pragma once

#include <array>

#include "model/text/tokenizer.h"

namespace kinglet::text {

class SentencePieceBpe final : public Tokenizer {
 public:
  explicit SentencePieceBpe(const VocabularySpec& spec);

 private:
  void encode_plain(std::string_view text, bool is_first, std::vector<int32_t>& ids) const override;
  [[nodiscard]] std::string plain_bytes(int32_t token) const override;
  void append_bytes(std::string_view bytes, std::vector<int32_t>& ids) const;

  std::array<int32_t, 256> byte_tokens_{};
};

}  // namespace kinglet::text
