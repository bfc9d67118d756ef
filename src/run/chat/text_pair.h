// A query and a document as one sequence, as rerankers were trained on them.
#pragma once

#include <string_view>

#include "model/models/models.h"
#include "model/text/text.h"
#include "run/engine/embedding.h"

namespace kinglet::chat {

/// Begin, query, end, a separator where the file asks for one (tokenizer.ggml.add_sep_token), document, end; tokens of
/// the document have type 1 where the model tells two. As llama.cpp's server joins them.
engine::TypedTokens text_pair(const text::Tokenizer& tokenizer, const format::Metadata& metadata,
                              const models::DecoderConfig& config, std::string_view query, std::string_view document);

}  // namespace kinglet::chat
