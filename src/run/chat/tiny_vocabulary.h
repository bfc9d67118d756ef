// A byte-level vocabulary for tests: all bytes, and a few control tokens behind them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/text/text.h"
#include "model/text/utf8.h"

namespace kinglet::chat {

class TinyVocabulary {
 public:
  static constexpr int32_t kFirstControl = 256;

  explicit TinyVocabulary(const std::vector<std::string>& controls) {
    uint32_t next = 0x100;
    for (uint32_t byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      text::append_utf8(spellings_.emplace_back(), printable ? byte : next++);
    }
    spellings_.insert(spellings_.end(), controls.begin(), controls.end());
    spec_.model = "gpt2";
    spec_.pre = "gpt-2";
    spec_.tokens.assign(spellings_.begin(), spellings_.end());
    spec_.types.assign(256, text::TokenType::kNormal);
    spec_.types.resize(spellings_.size(), text::TokenType::kControl);
    tokenizer_ = text::Tokenizer::make(spec_);
  }

  [[nodiscard]] const text::Tokenizer& tokenizer() const { return *tokenizer_; }

 private:
  std::vector<std::string> spellings_;
  text::VocabularySpec spec_;
  std::unique_ptr<const text::Tokenizer> tokenizer_;
};

}  // namespace kinglet::chat
