// Texts as models that make vectors read them.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/models/models.h"
#include "model/text/text.h"
#include "run/chat/embedding_words.h"

namespace kinglet::chat {

/// The tokens of a text, with those that the model's rule adds, cut where the model's words say so
/// (EmbeddingWords::ids). One over the model's context is cut, too, where `truncates`; a token that ends every text
/// stays. `what` names the text in messages. Throws Error{kInvalidArgument} where
/// nothing is there, and as require_context.
std::vector<int32_t> vector_ids(const text::Tokenizer& tokenizer, const models::DecoderConfig& config,
                                const EmbeddingWords& words, std::string_view text, bool truncates,
                                std::string_view what);

/// Throws Error{kContextFull} with both numbers for more tokens than the model's context.
void require_context(const models::DecoderConfig& config, size_t n_tokens, std::string_view what,
                     std::string_view way_out = "cut it into pieces");

}  // namespace kinglet::chat
