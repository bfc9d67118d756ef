// Byte-level BPE (GPT-2): words from a pre-tokenizer, their bytes merged pair by pair in the order of learned ranks.
#pragma once

#include <array>

#include "model/text/bpe.h"

namespace kinglet::text {

class ByteBpe final : public RankedBpe {
 public:
  ByteBpe(VocabularySpec spec, const PreTokenizer& pre);

 private:
  void encode_plain(std::string_view text, bool is_first, std::vector<int32_t>& ids) const override;
  [[nodiscard]] std::string plain_bytes(int32_t token) const override;
  void encode_word(std::string_view word, std::vector<int32_t>& ids) const;

  [[nodiscard]] std::string normalized(std::string_view text) const;

  using Normalize = std::string (*)(std::string_view);
  std::vector<Normalize> normalizers_;
  bool is_nfc_alone_ = false;  // which most texts are already
  std::array<int32_t, 256> byte_tokens_{};
};

}  // namespace kinglet::text
