// A grammar as what the engine asks which token may follow.
#pragma once

#include <memory>

#include "model/grammar/matcher.h"
#include "model/text/text.h"
#include "run/engine/constraint.h"

namespace kinglet::chat {

/// Of one answer. The tokenizer outlives it.
class GrammarConstraint final : public engine::TokenConstraint {
 public:
  GrammarConstraint(grammar::Grammar grammar, std::shared_ptr<const grammar::TokenTrie> trie,
                    const text::Tokenizer& tokenizer)
      : matcher_(std::move(grammar), std::move(trie)), tokenizer_(tokenizer) {}

  std::span<const uint32_t> mask() override { return matcher_.mask(); }
  void accept(int32_t token) override {
    if (!matcher_.accept(token))
      fail_with(ErrorCode::kInternal, "grammar: token ", token, " was chosen and is not allowed");
  }
  size_t forced(std::vector<int32_t>& tokens) override {
    const std::vector<int32_t> sure =
        matcher_.forced([this](std::string_view text) { return tokenizer_.encode(text); });
    tokens.insert(tokens.end(), sure.begin(), sure.end());
    return sure.size();
  }

 private:
  grammar::Matcher matcher_;
  const text::Tokenizer& tokenizer_;
};

}  // namespace kinglet::chat
