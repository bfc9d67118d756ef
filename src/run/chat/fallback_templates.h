// Chat templates for models whose files have none.
#pragma once

#include <string_view>

#include "model/format/metadata.h"

namespace kinglet::chat {

/// The Jinja template that the control tokens of the vocabulary were made for: ChatML, Gemma, Llama 3, Phi-3, and
/// Mistral's second and third (with tools). Where none is known: the messages' texts, a line break between them, so
/// that the model goes on writing.
///
/// In Mistral's, arguments and results of tools are values: a text stands in quotes.
std::string_view fallback_template(const format::Metadata& metadata);

}  // namespace kinglet::chat
