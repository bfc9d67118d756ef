// What stands between two texts: the prompt that models are trained on to fill it in, written with the tokens that
// their vocabulary has for it. Source: arXiv 2207.14255 (prefix, suffix, middle), arXiv 2409.12186 (other files of a
// repository before it); Mistral's models have the suffix first and no third token.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/format/metadata.h"
#include "model/text/text.h"

namespace kinglet::chat {

struct InfillTokens {
  int32_t prefix = -1;
  int32_t suffix = -1;
  std::optional<int32_t> middle = {};  ///< None: the suffix comes first, and the answer goes on the prefix.
  std::optional<int32_t> repository = {};
  std::optional<int32_t> file = {};
  std::optional<int32_t> padding = {};

  /// All of them: each ends an answer.
  [[nodiscard]] std::vector<int32_t> all() const;
};

/// By tokenizer.ggml.fim_*_token_id (or prefix_, suffix_, middle_token_id), else by the spellings that models have.
/// Nullopt for a vocabulary without them.
std::optional<InfillTokens> find_infill_tokens(const format::Metadata& metadata);

struct InfillFile {
  std::string name;
  std::string text;
};

struct Infill {
  std::string prefix;
  std::string suffix;
  std::string middle = {};             ///< What the answer begins with and is not written again.
  std::vector<InfillFile> files = {};  ///< Other ones, the nearest last.
  std::string name = {};               ///< Of the file that is filled in; said where there are others.
  std::string repository = {};
};

/// Tokens that end what is filled in; none of a vocabulary that has none.
std::vector<int32_t> infill_ends(const format::Metadata& metadata);

/// The prompt. Texts are words: no control token is read in them. Throws Error{kUnsupported} for a model without such
/// tokens. `metadata` is that of the tokenizer's file.
std::vector<int32_t> infill_prompt(const text::Tokenizer& tokenizer, const format::Metadata& metadata,
                                   const Infill& infill);

}  // namespace kinglet::chat
