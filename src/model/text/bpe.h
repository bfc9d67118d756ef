// What both kinds of BPE with ranked merges share. Internal to model/text.
#pragma once

#include <memory>

#include "model/text/merge_table.h"
#include "model/text/pre_tokenizer.h"
#include "model/text/tokenizer.h"
#include "model/text/word_cache.h"

namespace kinglet::text {

class RankedBpe : public Tokenizer {
 protected:
  RankedBpe(VocabularySpec spec, const PreTokenizer& pre);

  /// Merges symbols[0, n) and appends the tokens that are left.
  void append_merged(std::span<Symbol> symbols, std::vector<int32_t>& ids) const;

  const PreTokenizerTraits traits_;
  const WordCutter cutter_;
  const std::unique_ptr<WordCaches> caches_;

 private:
  void read_merges();
  std::unique_ptr<MergeTable> merges_;
};

}  // namespace kinglet::text
