// Byte-level BPE (GPT-2): words from a pre-tokenizer, their bytes merged pair by pair in the order of learned ranks.
#pragma once

#include <array>
#include <memory>

#include "core/base/mutex.h"
#include "model/text/pre_tokenizer.h"
#include "model/text/tokenizer.h"

namespace kinglet::text {

class ByteBpe final : public Tokenizer {
 public:
  explicit ByteBpe(const VocabularySpec& spec);
  ~ByteBpe() override;

 private:
  class MergeTable;
  struct WordCache;

  void encode_plain(std::string_view text, bool is_first, std::vector<int32_t>& ids) const override;
  [[nodiscard]] std::string plain_bytes(int32_t token) const override;
  void encode_word(std::string_view word, std::vector<int32_t>& ids) const;
  void merge_short(std::vector<int32_t>& symbols) const;
  void merge_long(std::vector<int32_t>& symbols) const;

  const PreTokenizer* pre_ = nullptr;
  std::array<int32_t, 256> byte_tokens_{};
  std::unique_ptr<const MergeTable> merges_;
  // Words seen before. A second thread at the same time does without.
  mutable Mutex cache_mutex_;
  std::unique_ptr<WordCache> cache_;
};

}  // namespace kinglet::text
