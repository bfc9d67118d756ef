// Byte-level BPE (GPT-2): words from a pre-tokenizer, their bytes merged pair by pair in the order of learned ranks.
#pragma once

#include <array>
#include <memory>

#include "model/text/pre_tokenizer.h"
#include "model/text/tokenizer.h"

namespace kinglet::text {

class MergeTable;
class WordCaches;

class ByteBpe final : public Tokenizer {
 public:
  explicit ByteBpe(VocabularySpec spec);
  ~ByteBpe() override;

 private:
  void encode_plain(std::string_view text, bool is_first, std::vector<int32_t>& ids) const override;
  [[nodiscard]] std::string plain_bytes(int32_t token) const override;
  void read_merges();
  void encode_word(std::string_view word, std::vector<int32_t>& ids) const;

  const PreTokenizer* pre_ = nullptr;
  std::array<int32_t, 256> byte_tokens_{};
  std::unique_ptr<MergeTable> merges_;
  std::unique_ptr<WordCaches> caches_;
};

}  // namespace kinglet::text
