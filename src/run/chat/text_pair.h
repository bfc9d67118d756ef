// A query and a document as one sequence, as rerankers were trained on them.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "model/models/models.h"
#include "model/text/text.h"
#include "run/engine/embedding.h"

namespace kinglet::chat {

/// By the file's template "rerank" where it has one, with the texts in place of {query} and {document}: no control
/// token is read in them. Else begin, query, end, a separator where the file asks for one
/// (tokenizer.ggml.add_sep_token), document, end; tokens of the document have type 1 where the model tells two. As
/// llama.cpp's server joins them.
engine::TypedTokens text_pair(const text::Tokenizer& tokenizer, const format::Metadata& metadata,
                              const models::DecoderConfig& config, std::string_view query, std::string_view document);

/// Scores of a pair as one number, the larger the better: the only one, or how far "yes" is over "no" where the file
/// names its labels so (its logistic function is the probability of yes). Throws Error{kUnsupported} for a model that
/// gives other scores.
class PairScore {
 public:
  explicit PairScore(const models::Model& model);
  [[nodiscard]] float of(std::span<const float> scores) const noexcept {
    return no_ ? scores[yes_] - scores[*no_] : scores[yes_];
  }

 private:
  size_t yes_ = 0;
  std::optional<size_t> no_;
};

}  // namespace kinglet::chat
