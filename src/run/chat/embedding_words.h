// How a text is put to a model that makes vectors: what stands in front of it, and where it is cut.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/format/metadata.h"
#include "model/text/text.h"

namespace kinglet::chat {

/// What a file has of a folder of sentence-transformers, under the keys kinglet.embedding.*; empty for all others.
struct EmbeddingWords {
  std::optional<size_t> max_tokens;                          ///< Of a text with what the model adds to it.
  std::vector<std::pair<std::string, std::string>> prompts;  ///< Names, and texts that stand in front.
  std::string default_prompt;                                ///< The text of the one that counts unasked.

  /// Throws Error{kInvalidFile} for keys that contradict each other.
  static EmbeddingWords of(const format::Metadata& metadata);
  /// The text of a prompt. Throws Error{kInvalidArgument} with the names that there are.
  [[nodiscard]] const std::string& prompt(std::string_view name) const;
  /// Ids with what the model adds, cut behind max_tokens: a token that ends every text stays when one is cut, as
  /// sentence-transformers has it.
  [[nodiscard]] std::vector<int32_t> ids(const text::Tokenizer& tokenizer, std::string_view text) const;
};

/// Cuts a text's end, but for the token that ends every text.
void cut_text(std::vector<int32_t>& ids, size_t max_tokens, const text::Tokenizer& tokenizer);

}  // namespace kinglet::chat
